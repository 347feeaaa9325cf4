#pragma once

/*
 * A console's raw clients: the connections to its tcp port, or its pty's master. Each has a cursor into the
 * output file and takes bytes when it has room; what it sends goes to the guest, and it is read no further
 * while that waits.
 */

#include "core/base/error.h"
#include "core/channels/console_input.h"
#include "core/channels/growth.h"
#include "core/loop/loop.h"

#include <stdbool.h>

enum { CONSOLE_RAW_MAX_CLIENTS = 64 };

struct console_raw;

/* growth, output_fd and input are borrowed. */
struct console_raw *console_raw_create(struct loop *loop, struct growth *growth, int output_fd,
				       struct console_input *input, struct error *error);
/* Closes the clients. The input must have been destroyed before: no write of a client's may be under way. */
void console_raw_destroy(struct console_raw *raw);

/* Adds a connected socket (taken; closed at once if that fails or there are too many). The first, and one
 * that comes while no other is there, goes on where the last one left; one that joins others begins at the
 * live end. */
void console_raw_add_socket(struct console_raw *raw, int fd);

/* Adds a pty's master (borrowed, outlives raw), which is there for good. */
int console_raw_add_pty(struct console_raw *raw, int master, struct error *error);
