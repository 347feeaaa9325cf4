#pragma once

/* A directory for one test, and its files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
	char path[64];
	int dirfd;
};

static inline void scratch_make(struct scratch *scratch)
{
	snprintf(scratch->path, sizeof(scratch->path), "/tmp/emud-test-XXXXXX");
	assert_non_null(mkdtemp(scratch->path));
	scratch->dirfd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->dirfd >= 0);
}

static inline void scratch_remove(struct scratch *scratch)
{
	close(scratch->dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, scratch->path, NULL), 0);
}

static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
	assert_int_equal(file_write_atomic(scratch->dirfd, name, text, strlen(text), 0600, NULL), 0);
}

static inline bool scratch_has(const struct scratch *scratch, const char *name)
{
	return faccessat(scratch->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* For cmocka: *state is a scratch. */
static inline int scratch_set_up(void **state)
{
	*state = calloc(1, sizeof(struct scratch));
	scratch_make(*state);
	return 0;
}

static inline int scratch_tear_down(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}
