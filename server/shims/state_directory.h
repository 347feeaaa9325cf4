#pragma once

/* The state directory of an instance, as a place of the file system: making it, and taking it away. */

#include "core/base/error.h"

#include <stdbool.h>

/*
 * Makes path (0700, parents too) and opens it, never outside of root, whatever is swapped meanwhile. It must
 * be absent, empty or ours (a left-over of an instance: config.json and nothing but our files). The
 * descriptor, or a negative errno (codes "conflict", "path_not_allowed"). *ret_made tells whether it was
 * absent.
 */
int state_directory_make(const char *root, const char *path, bool *ret_made, struct error *error);

/* Opens the one that an earlier emud made. Below own_root (which nobody else may write) as it is named;
 * elsewhere without any symlink, since its real path was kept: what has been swapped meanwhile is refused.
 * The descriptor or a negative errno. */
int state_directory_open(const char *own_root, const char *path);

/* Removes the files emud and the processes it started made there: by name, and all that end with one of the
 * suffixes; then the directory, if it is empty. Other files stay, and the directory with them. */
int state_directory_remove(const char *path, int dirfd, struct error *error);

/* Removes what says that something runs: handles.json, pid files, sockets, the links of ptys. */
void state_directory_clear(int dirfd);
