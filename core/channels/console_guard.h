#pragma once

/*
 * Keeps consoles (and logs) within their window and the disk from filling, without ticking: the kernel tells
 * the first modification of the state directory (dnotify by SIGIO, one-shot; it needs no inotify instance, of
 * which a user has few), then one look every CONSOLE_GUARD_PACE_MS while bytes flow, or sooner where the disk
 * could be full by then. Where there is no dnotify an inotify instance serves, and where there is none of
 * either a look every second, with a warning.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONSOLE_GUARD_PACE_MS = 250 };

struct console_guard_events {
	void (*on_disk_full)(void *data); /* free space fell below the limit */
	void (*on_disk_freed)(
	    void *data); /* and is above it again, with some to spare (looked at every 2 s while full) */
	void (*on_warning)(const char *message, void *data); /* trimming does not work here, ... */
};

struct console_guard;
/* dirfd: the state directory, borrowed for the call. free_bytes: 0: the disk is not looked at. events is
 * borrowed, its members mandatory; none is called from within create or add. */
struct console_guard *console_guard_create(struct loop *loop, int dirfd, uint64_t free_bytes,
					   const struct console_guard_events *events, void *data,
					   struct error *error);
/* fd: a console's output file or a log, writable, borrowed, outlives the guard. keep_bytes: its window. */
int console_guard_add(struct console_guard *guard, int fd, int64_t keep_bytes, struct error *error);
/* What is written in another directory of that disk counts as well. dirfd is borrowed for the call. */
void console_guard_add_directory(struct console_guard *guard, int dirfd);
/* True while free space is below the limit (looks now). Who is told so here hears of on_disk_freed later, but
 * not of on_disk_full. */
bool console_guard_is_disk_full(struct console_guard *guard);
void console_guard_destroy(struct console_guard *guard);
