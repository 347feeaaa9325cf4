#include "core/process/program.h"

#include "tests/unit/scratch.h"

#include <sys/stat.h>

static void a_program_is_found_by_path_or_name(void **state)
{
	struct scratch scratch;
	char path[128];
	(void) state;
	scratch_make(&scratch);
	scratch_write(&scratch, "tool", "#!/bin/sh\n");
	snprintf(path, sizeof(path), "%s/tool", scratch.path);
	char *before = strdup(getenv("PATH"));
	setenv("PATH", scratch.path, 1);
	assert_false(program_is_there("tool"));
	assert_false(program_is_there(path));
	assert_int_equal(fchmodat(scratch.dirfd, "tool", 0700, 0), 0);
	assert_true(program_is_there("tool"));
	assert_true(program_is_there(path));
	assert_false(program_is_there("sh"));
	setenv("PATH", before, 1);
	free(before);
	scratch_remove(&scratch);
}

static void what_is_no_file_is_no_program(void **state)
{
	(void) state;
	assert_false(program_is_there("/"));
	assert_false(program_is_there("/nowhere/tool"));
	assert_true(program_is_there("beside/the/configuration"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_program_is_found_by_path_or_name),
	    cmocka_unit_test(what_is_no_file_is_no_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
