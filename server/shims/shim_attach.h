#pragma once

/* A byte tunnel to a channel of an instance (gdb, qmp, monitor), through its shim. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stddef.h>

struct shim_attach;

/* error NULL: fd is the tunnel (the callee's), and bytes are the first that came through it already
 * (borrowed). Else fd is -1; codes "channel_busy", "channel_not_found", "not_running", "timeout". */
typedef void shim_attached(const struct error *error, int fd, const char *bytes, size_t length, void *data);

/* on_done fires exactly once, never from within. NULL with error set where it cannot even begin. */
struct shim_attach *shim_attach_begin(struct loop *loop, int dirfd, const char *channel, uint64_t timeout_ms,
				      shim_attached *on_done, void *data, struct error *error);
/* Before on_done only: it does not fire. */
void shim_attach_cancel(struct shim_attach *attach);
