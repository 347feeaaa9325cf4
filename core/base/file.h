#pragma once

/* Files relative to a directory descriptor: whole reads, atomic writes, resolution that cannot escape. */

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A path by which a short name below an open directory can be given to an interface that takes paths
 * only (a socket address): "/proc/self/fd/<dirfd>/<name>". */
void file_fd_path(char *out, size_t out_size, int dirfd, const char *name);

/* The whole file as a NUL-terminated string; -EFBIG beyond max_bytes. *ret_data is the caller's. */
int file_read(int dirfd, const char *name, size_t max_bytes, char **ret_data, size_t *ret_length,
	      struct error *error);

/* Writes aside and renames: a reader sees the old file or the new one whole. */
int file_write_atomic(int dirfd, const char *name, const void *data, size_t length, mode_t mode,
		      struct error *error);

/* Opens path (absolute) if it lies beneath root after every symlink and ".." is resolved (openat2
 * RESOLVE_BENEATH on the remainder). A path outside: -EXDEV. Returns the descriptor or a negative errno. */
int file_open_beneath(const char *root, const char *path, int flags, mode_t mode);

/* Makes path (absolute, without "." and "..") and what is missing above it, never outside of root whatever is
 * swapped meanwhile; path itself must be no symlink. *ret_made: it was absent. The open directory, or a
 * negative errno; -EXDEV: it would lie outside. */
int file_make_beneath(const char *root, const char *path, mode_t mode, bool *ret_made);

/* Opens path (absolute) as it was once told by file_real_path: through no symlink. */
int file_open_real(const char *path, int flags);

/* The path by which the kernel knows what fd stands for; the caller frees. NULL: it has none. */
char *file_real_path(int fd);

/* mkdir -p; only what is made new gets mode. */
int file_make_directories(const char *path, mode_t mode, struct error *error);

/* Removes a directory below dirfd and everything in it, never following a symlink. Missing is success. */
int file_remove_tree(int dirfd, const char *name, struct error *error);

/* The last at most max_bytes of a file, as UTF-8 text with surrounding white space cut; "" if unreadable.
 * Caller frees; NULL: no memory. */
char *file_tail_text(int dirfd, const char *name, size_t max_bytes);
