#pragma once

/*
 * Finding and killing every process of an instance, however it daemonized. Never signals a pid that was
 * reused: each is opened as a pidfd and checked again before the signal.
 */

#include "core/base/error.h"

#include <sys/types.h>

/* Makes the caller the reaper of orphaned descendants (PR_SET_CHILD_SUBREAPER). */
int sweep_become_subreaper(struct error *error);

/*
 * Kills (SIGKILL) every descendant of the calling process until none is left, and reaps those that are its
 * children, but for the children of a struct process: these are killed too, and leave their exit status to
 * on_exit. Daemonized ones are found only by a subreaper. Blocks until they have ended (5 s for one that
 * hangs in the kernel). Returns how many were killed, or a negative errno.
 */
int sweep_descendants(void);

/*
 * Kills every process whose environment holds "EMUD_COOKIE=<cookie>" (the shim gives every child of one
 * start the same unguessable cookie), again and again until a scan finds none. For processes whose shim is
 * gone, on a pool thread: it scans /proc, and blocks as sweep_descendants does. A process that was started
 * with another environment, or that has overwritten its own, is not found. Returns how many were killed, or a
 * negative errno.
 */
int sweep_cookie(const char *cookie);

/* The process's start time (clock ticks since boot, /proc/<pid>/stat field 22); 0: no such process. */
unsigned long long sweep_start_time(pid_t pid);

/* CPU seconds (those of ended and waited-for children included) and resident bytes of pid and all its
 * descendants; 0 or -ESRCH. */
int sweep_usage(pid_t pid, double *ret_cpu_seconds, unsigned long long *ret_rss_bytes);
