#pragma once

/*
 * A console's kept output: the plain file "<console>.out" that the emulator writes. Offsets count from the
 * first byte of the start. The head is freed in place by hole punching, so the first kept offset is where
 * the file's data begins (SEEK_DATA): no side file, true for every process that looks.
 */

#include "core/base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct console_log_window {
	int64_t first_offset; /* first kept byte */
	int64_t next_offset;  /* one behind the last byte */
};

/* Opens below dirfd for reading; the descriptor or a negative errno. */
int console_log_open(int dirfd, const char *console, struct error *error);

int console_log_window(int fd, struct console_log_window *ret_window);

/* Reads up to size bytes at offset. Returns the count, 0 at the end, -ESTALE when (part of) the range has
 * fallen out of the kept window (look at the window again), or another negative errno. */
ssize_t console_log_read(int fd, int64_t offset, void *out, size_t size);

/* Frees the head so that about keep_bytes stay, in steps of 1 MiB or an eighth of keep_bytes, whichever is
 * less (but whole blocks). fd must be writable. 0 or a negative errno (-EOPNOTSUPP: this file system cannot).
 */
int console_log_trim(int fd, int64_t keep_bytes);
