#pragma once

/* A store in a directory of its own, for cmocka's setup and teardown. */

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

struct store_fixture {
	char directory[64];
	char path[96];
	struct store *store;
};

static inline int store_fixture_setup(void **state)
{
	struct store_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/emud-store-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/emud.db", fixture->directory);
	struct error error = {0};
	fixture->store = store_open(fixture->path, &error);
	if (!fixture->store)
		fail_msg("%s", error.message);
	*state = fixture;
	return 0;
}

static inline int store_fixture_teardown(void **state)
{
	struct store_fixture *fixture = *state;
	store_close(fixture->store);
	assert_int_equal(file_remove_tree(AT_FDCWD, fixture->directory, NULL), 0);
	free(fixture);
	return 0;
}

static inline void store_fixture_reopen(struct store_fixture *fixture)
{
	store_close(fixture->store);
	struct error error = {0};
	fixture->store = store_open(fixture->path, &error);
	if (!fixture->store)
		fail_msg("%s", error.message);
}
