#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/archive.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
	char path[64];
	int dirfd;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	strcpy(fixture->path, "/tmp/emud-archive-XXXXXX");
	assert_non_null(mkdtemp(fixture->path));
	fixture->dirfd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, fixture->path, NULL), 0);
	free(fixture);
	return 0;
}

static void put(const struct fixture *fixture, const char *name, const char *text)
{
	assert_int_equal(file_write_atomic(fixture->dirfd, name, text, strlen(text), 0600, NULL), 0);
}

static bool has(const struct fixture *fixture, const char *name)
{
	return faccessat(fixture->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void expect(const struct fixture *fixture, const char *name, const char *wanted)
{
	cleanup_free char *text = NULL;
	assert_int_equal(file_read(fixture->dirfd, name, 100, &text, NULL, NULL), 0);
	assert_string_equal(text, wanted);
}

static void begin(const struct fixture *fixture, int64_t start_number, uint64_t kept)
{
	assert_int_equal(archive_earlier_start(fixture->dirfd, start_number, kept, NULL), 0);
}

static void output_is_kept_and_leftovers_go(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "serial0.out", "one");
	put(fixture, "serial1.out", "two");
	put(fixture, "qemu.pid", "1");
	put(fixture, "exit.json", "{}");
	put(fixture, "handles.json", "{}");
	put(fixture, "config.json", "{}");
	put(fixture, ".out", "");
	assert_int_equal(mkfifoat(fixture->dirfd, "serial0.in", 0600), 0);
	begin(fixture, 2, 3);
	expect(fixture, "starts/1/serial0.out", "one");
	expect(fixture, "starts/1/serial1.out", "two");
	static const char *const gone[] = {"serial0.out", "serial0.in", "qemu.pid", "exit.json",
					   "handles.json"};
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_false(has(fixture, gone[i]));
	assert_true(has(fixture, "config.json"));
	assert_true(has(fixture, ".out"));
}

static void the_first_start_finds_nothing(void **state)
{
	struct fixture *fixture = *state;
	begin(fixture, 1, 3);
	assert_false(has(fixture, "starts/0"));
}

static void only_so_many_are_kept(void **state)
{
	struct fixture *fixture = *state;
	for (int64_t number = 2; number <= 6; number++) {
		put(fixture, "serial0.out", "x");
		begin(fixture, number, 2);
	}
	assert_true(has(fixture, "starts/5/serial0.out"));
	assert_true(has(fixture, "starts/4/serial0.out"));
	assert_false(has(fixture, "starts/3"));
	assert_int_equal(mkdirat(fixture->dirfd, "starts/not-a-number", 0700), 0);
	put(fixture, "serial0.out", "x");
	begin(fixture, 7, 0);
	assert_false(has(fixture, "starts/5"));
	assert_false(has(fixture, "starts/6"));
	assert_true(has(fixture, "starts/not-a-number"));
	begin(fixture, 8, UINT64_MAX);
}

static void a_start_that_is_begun_again_does_not_overwrite_its_forerunner(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "serial0.out", "of start 1");
	begin(fixture, 2, 3);
	put(fixture, "serial0.out", "of the broken start 2");
	begin(fixture, 2, 3);
	expect(fixture, "starts/1/serial0.out", "of start 1");
	assert_false(has(fixture, "serial0.out"));
}

static void a_folder_that_is_a_link_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(mkdirat(fixture->dirfd, "elsewhere", 0700), 0);
	assert_int_equal(mkdirat(fixture->dirfd, "elsewhere/1", 0700), 0);
	assert_int_equal(symlinkat("elsewhere", fixture->dirfd, "starts"), 0);
	struct error error;
	assert_int_equal(archive_earlier_start(fixture->dirfd, 9, 1, &error), -ENOTDIR);
	assert_true(has(fixture, "elsewhere/1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(output_is_kept_and_leftovers_go),
	    TEST(the_first_start_finds_nothing),
	    TEST(only_so_many_are_kept),
	    TEST(a_start_that_is_begun_again_does_not_overwrite_its_forerunner),
	    TEST(a_folder_that_is_a_link_is_not_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
