#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/archive.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static void expect(const struct scratch *scratch, const char *name, const char *wanted)
{
	cleanup_free char *text = NULL;
	assert_int_equal(file_read(scratch->dirfd, name, 100, &text, NULL, NULL), 0);
	assert_string_equal(text, wanted);
}

static void begin(const struct scratch *scratch, int64_t start_number, uint64_t kept)
{
	assert_int_equal(archive_earlier_start(scratch->dirfd, start_number, kept, NULL), 0);
}

static void output_is_kept_and_leftovers_go(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "serial0.out", "one");
	scratch_write(scratch, "serial1.out", "two");
	scratch_write(scratch, "qemu.pid", "1");
	scratch_write(scratch, "exit.json", "{}");
	scratch_write(scratch, "handles.json", "{}");
	scratch_write(scratch, "config.json", "{}");
	scratch_write(scratch, ".out", "");
	assert_int_equal(mkfifoat(scratch->dirfd, "serial0.in", 0600), 0);
	begin(scratch, 2, 3);
	expect(scratch, "starts/1/serial0.out", "one");
	expect(scratch, "starts/1/serial1.out", "two");
	static const char *const gone[] = {"serial0.out", "serial0.in", "qemu.pid", "exit.json",
					   "handles.json"};
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_false(scratch_has(scratch, gone[i]));
	assert_true(scratch_has(scratch, "config.json"));
	assert_true(scratch_has(scratch, ".out"));
}

static void the_first_start_finds_nothing(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch, 1, 3);
	assert_false(scratch_has(scratch, "starts/0"));
}

static void only_so_many_are_kept(void **state)
{
	struct scratch *scratch = *state;
	for (int64_t number = 2; number <= 6; number++) {
		scratch_write(scratch, "serial0.out", "x");
		begin(scratch, number, 2);
	}
	assert_true(scratch_has(scratch, "starts/5/serial0.out"));
	assert_true(scratch_has(scratch, "starts/4/serial0.out"));
	assert_false(scratch_has(scratch, "starts/3"));
	assert_int_equal(mkdirat(scratch->dirfd, "starts/not-a-number", 0700), 0);
	scratch_write(scratch, "serial0.out", "x");
	begin(scratch, 7, 0);
	assert_false(scratch_has(scratch, "starts/5"));
	assert_false(scratch_has(scratch, "starts/6"));
	assert_true(scratch_has(scratch, "starts/not-a-number"));
	scratch_write(scratch, "serial0.out", "x");
	begin(scratch, 8, UINT64_MAX);
	assert_true(scratch_has(scratch, "starts/7/serial0.out"));
}

static void a_start_that_is_begun_again_does_not_overwrite_its_forerunner(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "serial0.out", "of start 1");
	begin(scratch, 2, 3);
	scratch_write(scratch, "serial0.out", "of the broken start 2");
	begin(scratch, 2, 3);
	expect(scratch, "starts/1/serial0.out", "of start 1");
	assert_false(scratch_has(scratch, "serial0.out"));
}

static void a_folder_that_is_a_link_is_not_followed(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(mkdirat(scratch->dirfd, "elsewhere", 0700), 0);
	assert_int_equal(mkdirat(scratch->dirfd, "elsewhere/1", 0700), 0);
	assert_int_equal(symlinkat("elsewhere", scratch->dirfd, "starts"), 0);
	struct error error;
	assert_int_equal(archive_earlier_start(scratch->dirfd, 9, 1, &error), -ENOTDIR);
	assert_true(scratch_has(scratch, "elsewhere/1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(output_is_kept_and_leftovers_go),
	    TEST(the_first_start_finds_nothing),
	    TEST(only_so_many_are_kept),
	    TEST(a_start_that_is_begun_again_does_not_overwrite_its_forerunner),
	    TEST(a_folder_that_is_a_link_is_not_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
