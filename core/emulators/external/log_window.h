#pragma once

/* Keeps the logs of a driver and its emulator within a window, as consoles are kept: whatever they say, the
 * disk is everybody's. What they said last stays. */

#include "core/base/error.h"
#include "core/loop/loop.h"

enum { LOG_WINDOW_BYTES = 4 * 1024 * 1024, LOG_WINDOW_PROCESSES = 2 };

struct log_window;

/* dirfd: the state directory, borrowed. NULL with error set. */
struct log_window *log_window_create(struct loop *loop, int dirfd, struct error *error);
/* The process has been started: its log is there. Of no more than LOG_WINDOW_PROCESSES. 0 or negative. */
int log_window_add(struct log_window *window, const char *process, struct error *error);
void log_window_destroy(struct log_window *window); /* takes NULL */
