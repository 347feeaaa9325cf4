#pragma once

/* A pseudo terminal in raw mode, and the symlink by which a channel's users find it. */

#include "core/base/error.h"

struct pty {
	int master; /* non-blocking */
	int slave;  /* keeps the master from hanging up; whoever wants to see users come and go closes it */
	char path[64]; /* "/dev/pts/4" */
};

/* On failure both descriptors are -1. */
int pty_open(struct pty *pty, struct error *error);
void pty_close(struct pty *pty);

/* Leaves the symlink `name` to the pty below dirfd, in place of an old symlink; anything else is -EEXIST. */
int pty_link(const struct pty *pty, int dirfd, const char *name, struct error *error);
