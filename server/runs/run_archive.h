#pragma once

/*
 * Where the output of runs is kept: <state dir>/runs/<id>/output, 0700 and 0600.
 *
 * It is the very file that the run's console writes: a second link to it, made when the board has started. So
 * it takes no copy, stays when the board's directory goes, whoever takes that away, and a head that was freed
 * is a hole here, too.
 */

#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct run_archive;

/* Makes the folder where it is missing, and removes what is there of runs that are not known (data is
 * is_known's). NULL on failure. */
struct run_archive *run_archive_create(const char *state_dir, bool (*is_known)(int64_t id, void *data),
				       void *data, struct error *error);
void run_archive_destroy(struct run_archive *archive); /* takes NULL */

/*
 * Keeps the console's output of a board that has its state directory at dirfd, in place of what was kept of
 * that run before. The directory is its board's to write: what stands there instead of the console's file is
 * not taken (-EINVAL, -ELOOP). -ENOENT: there is none. -EXDEV: the directory lies on another file system.
 */
int run_archive_take(struct run_archive *archive, int64_t id, int dirfd, const char *console,
		     struct error *error);

/* The kept output (O_RDONLY), as a console log (core/channels/console_log.h); or a negative errno: -ENOENT
 * with code "not_found" where none is kept. */
int run_archive_open(struct run_archive *archive, int64_t id, struct error *error);

/* What it takes on the disk; 0 where none is kept. */
int64_t run_archive_bytes(struct run_archive *archive, int64_t id);

/* All that is kept of a run; nothing is success. */
int run_archive_remove(struct run_archive *archive, int64_t id, struct error *error);
