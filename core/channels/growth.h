#pragma once

/*
 * Tells when a file grows, at a pace that does not slow the writer: the first growth at once (inotify,
 * one-shot), then, while bytes flow, a look after 1 ms, 2 ms and from then on every GROWTH_PACE_MS; when a
 * look finds nothing new, the watch is armed again. One notifier (one inotify instance) serves every file of
 * a process.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdint.h>

enum { GROWTH_PACE_MS = 3 };

/* The notifier. It opens its inotify instance with the first watch and gives it up a second after the last
 * one went: an idle process holds none. */
struct growth;
struct growth *growth_create(struct loop *loop, struct error *error);
void growth_destroy(struct growth *growth); /* its watches must be gone; not from within on_growth */

/* Opens the instance now and keeps it for good: for emud, which holds one for all, and whose loop the closing
 * would stop for up to 15 ms. 0 or a negative errno (code "no_watches"). */
int growth_keep(struct growth *growth, struct error *error);

/* One file, any number of subscribers (a table by inode inside: one watch and one timer a file). */
struct growth_watch;
/* fd: the open file, borrowed, must outlive the watch. on_growth: the file has more bytes than at the last
 * call (or than `offset` at the first, which then comes soon, never from within the call): read until the
 * end. Error code "no_watches" on EMFILE, ENFILE (no instance left) and ENOSPC (no watch left). */
struct growth_watch *growth_watch_create(struct growth *growth, int fd, int64_t offset,
					 void (*on_growth)(void *data), void *data, struct error *error);
void growth_watch_destroy(struct growth_watch *watch);
