#pragma once

/* A directory of its own with a store in it, for cmocka's setup and teardown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "server/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api_fixture {
	char directory[64]; /* canonical */
	struct store *store;
};

static inline struct api_fixture *api_fixture_create(void)
{
	struct api_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/emud-api-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	char path[96];
	snprintf(path, sizeof(path), "%s/emud.db", fixture->directory);
	struct error error = {0};
	fixture->store = store_open(path, &error);
	if (!fixture->store)
		fail_msg("%s", error.message);
	return fixture;
}

static inline void api_fixture_destroy(struct api_fixture *fixture)
{
	store_close(fixture->store);
	assert_int_equal(file_remove_tree(AT_FDCWD, fixture->directory, NULL), 0);
	free(fixture);
}

/* A file below the directory. */
static inline void api_fixture_write(const struct api_fixture *fixture, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}
