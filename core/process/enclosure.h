#pragma once

/*
 * A mount namespace of a child's own, in which it begins with the files of this host, as everybody sees them,
 * and goes on with one directory: when it has loaded what it is made of, all the rest is taken away from
 * under it. That directory is its root and its working directory then, and nothing leads out of it: no path,
 * no
 * "..", no symlink, no /proc. What it has open stays open. Two descriptors keep the namespace, no process.
 */

#include "core/base/error.h"

#include <sys/types.h>

struct enclosure;

/* For a child that will run in working_directory (absolute, copied). 0.3 ms, blocks. NULL with error where
 * the kernel, its settings, a container, a chroot or EMUD_NO_NAMESPACES do not allow it. Root keeps being the
 * host's; anybody else gets a user namespace as well, in which he is who he was. Single-threaded callers
 * only. */
struct enclosure *enclosure_create(const char *working_directory, struct error *error);
void enclosure_destroy(struct enclosure *enclosure); /* takes NULL */

/* In a child only, before it is tied, confined and in its directory: async-signal-safe, 0 or a negative
 * errno.
 */
int enclosure_enter(const struct enclosure *enclosure);

/* Takes everything from the child pid that entered, but the directory fd, which lies at path: nothing else is
 * believed to be it. Whether the child now has it for root and working directory is looked at. Once only; the
 * child must not be let go on where it fails. 0.3 ms, blocks. */
int enclosure_close(const struct enclosure *enclosure, pid_t pid, const char *path, int fd,
		    struct error *error);
