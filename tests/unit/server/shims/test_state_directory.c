#include "support.h"

#include "server/shims/state_directory.h"

struct fixture {
	struct scratch scratch;
	char path[128]; /* below the scratch directory */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	scratch_make(&fixture->scratch);
	snprintf(fixture->path, sizeof(fixture->path), "%s/a/b", fixture->scratch.path);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static int make(struct fixture *fixture, bool *ret_made)
{
	struct error error;
	int fd = state_directory_make("/", fixture->path, ret_made, &error);
	if (fd < 0)
		assert_string_equal(error.code, "conflict");
	return fd;
}

static void put(int dirfd, const char *name)
{
	assert_int_equal(file_write_atomic(dirfd, name, "x", 1, 0600, NULL), 0);
}

static void an_absent_one_is_made_for_us_alone(void **state)
{
	struct fixture *fixture = *state;
	bool made = false;
	struct stat status;
	cleanup_close int fd = make(fixture, &made);
	assert_true(fd >= 0);
	assert_true(made);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

static void an_empty_one_and_one_of_ours_are_taken(void **state)
{
	struct fixture *fixture = *state;
	bool made = true;
	close(make(fixture, &made));
	cleanup_close int fd = make(fixture, &made);
	assert_true(fd >= 0);
	assert_false(made);
	put(fd, "config.json");
	put(fd, "serial0.out");
	assert_int_equal(symlinkat("/dev/pts/0", fd, "serial0"), 0);
	cleanup_close int again = make(fixture, &made);
	assert_true(again >= 0);
}

/* emud was killed before config.json had its name. */
static void one_that_was_half_made_is_taken(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	put(fd, ".config.json.new");
	cleanup_close int again = make(fixture, &made);
	assert_true(again >= 0);
	put(fd, "serial0.out");
	assert_int_equal(make(fixture, &made), -ENOTEMPTY);
}

static void a_foreign_one_is_refused(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	put(fd, "serial0.out");
	assert_int_equal(make(fixture, &made), -ENOTEMPTY);
	put(fd, "config.json");
	put(fd, "thesis.txt");
	assert_int_equal(make(fixture, &made), -ENOTEMPTY);
}

static void a_file_or_a_link_is_refused(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	assert_true(fd >= 0);
	assert_int_equal(symlinkat(fixture->path, fixture->scratch.dirfd, "link"), 0);
	snprintf(fixture->path, sizeof(fixture->path), "%s/link", fixture->scratch.path);
	assert_true(make(fixture, &made) < 0);
}

static void removing_takes_what_is_ours_and_the_directory(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	static const char *const ours[] = {"spec.json", "config.json", "exit.json", "handles.json",
					   "qemu.pid",  "qemu.log",    "shim.log",  "a.out",
					   "a.in",      "gdb.sock"};
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		put(fd, ours[i]);
	assert_int_equal(mkdirat(fd, "starts", 0700), 0);
	assert_int_equal(mkdirat(fd, "starts/1", 0700), 0);
	assert_int_equal(state_directory_remove(fixture->path, fd, NULL), 0);
	assert_false(scratch_has(&fixture->scratch, "a/b"));
}

static void removing_leaves_other_files(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	put(fd, "config.json");
	put(fd, "thesis.txt");
	assert_int_equal(state_directory_remove(fixture->path, fd, NULL), 0);
	assert_true(scratch_has(&fixture->scratch, "a/b/thesis.txt"));
	assert_false(scratch_has(&fixture->scratch, "a/b/config.json"));
}

static void removing_spares_another_directory_at_the_path(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	assert_int_equal(renameat(fixture->scratch.dirfd, "a/b", fixture->scratch.dirfd, "a/c"), 0);
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "a/b", 0700), 0);
	assert_int_equal(state_directory_remove(fixture->path, fd, NULL), 0);
	assert_true(scratch_has(&fixture->scratch, "a/b"));
}

static void removing_one_that_is_gone_is_done(void **state)
{
	struct fixture *fixture = *state;
	bool made;
	cleanup_close int fd = make(fixture, &made);
	assert_int_equal(rmdir(fixture->path), 0);
	assert_int_equal(state_directory_remove(fixture->path, fd, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(an_absent_one_is_made_for_us_alone), TEST(an_empty_one_and_one_of_ours_are_taken),
	    TEST(one_that_was_half_made_is_taken),    TEST(a_foreign_one_is_refused),
	    TEST(a_file_or_a_link_is_refused),        TEST(removing_takes_what_is_ours_and_the_directory),
	    TEST(removing_leaves_other_files),        TEST(removing_spares_another_directory_at_the_path),
	    TEST(removing_one_that_is_gone_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
