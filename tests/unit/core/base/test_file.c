#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/file.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct fixture {
	char path[64];
	int dirfd;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	snprintf(fixture->path, sizeof(fixture->path), "/tmp/emud-file-XXXXXX");
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

/* ---- whole reads and writes ---- */

static void what_is_written_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	char *text;
	size_t length;
	assert_int_equal(file_write_atomic(fixture->dirfd, "a", "x\0y", 3, 0640, NULL), 0);
	assert_int_equal(fstatat(fixture->dirfd, "a", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(file_read(fixture->dirfd, "a", 3, &text, &length, NULL), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(text, "x\0y", 4);
	free(text);
	put(fixture, "a", "");
	assert_int_equal(file_read(fixture->dirfd, "a", 3, &text, NULL, NULL), 0);
	assert_string_equal(text, "");
	free(text);
}

static void what_is_too_large_or_absent_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	char *text = NULL;
	put(fixture, "a", "four");
	assert_int_equal(file_read(fixture->dirfd, "a", 3, &text, NULL, &error), -EFBIG);
	assert_int_equal(file_read(fixture->dirfd, "none", 3, &text, NULL, &error), -ENOENT);
	assert_non_null(strstr(error.message, "none"));
	assert_int_equal(file_read(fixture->dirfd, ".", 3, &text, NULL, &error), -EISDIR);
	assert_null(text);
}

static void a_fifo_is_read_without_waiting(void **state)
{
	struct fixture *fixture = *state;
	char *text;
	assert_int_equal(mkfifoat(fixture->dirfd, "fifo", 0600), 0);
	assert_int_equal(file_read(fixture->dirfd, "fifo", 3, &text, NULL, NULL), 0);
	assert_string_equal(text, "");
	free(text);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, small;
	struct error error;
	char large[100] = {0}, *text;
	put(fixture, "a", "old");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	int result = file_write_atomic(fixture->dirfd, "a", large, sizeof(large), 0600, &error);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(result, -EFBIG);
	assert_int_equal(file_read(fixture->dirfd, "a", 10, &text, NULL, NULL), 0);
	assert_string_equal(text, "old");
	free(text);
	assert_false(has(fixture, ".a.new"));
}

static void a_write_goes_around_what_lies_in_its_way(void **state)
{
	struct fixture *fixture = *state;
	char *text;
	put(fixture, "victim", "whole");
	assert_int_equal(symlinkat("victim", fixture->dirfd, ".a.new"), 0);
	assert_int_equal(symlinkat("victim", fixture->dirfd, "a"), 0);
	put(fixture, "a", "new");
	assert_int_equal(file_read(fixture->dirfd, "victim", 10, &text, NULL, NULL), 0);
	assert_string_equal(text, "whole");
	free(text);
	char wide[400];
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(file_write_atomic(fixture->dirfd, wide, "", 0, 0600, NULL), -ENAMETOOLONG);
}

/* ---- resolution ---- */

static int beneath(const struct fixture *fixture, const char *root, const char *path, int flags)
{
	char whole_root[256], whole_path[256];
	snprintf(whole_root, sizeof(whole_root), "%s/%s", fixture->path, root);
	snprintf(whole_path, sizeof(whole_path), "%s/%s", fixture->path, path);
	int fd = file_open_beneath(whole_root, whole_path, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void what_lies_beneath_is_opened_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(mkdirat(fixture->dirfd, "root", 0700), 0);
	assert_int_equal(mkdirat(fixture->dirfd, "root/sub", 0700), 0);
	put(fixture, "secret", "s");
	put(fixture, "rootless", "s");
	int root = openat(fixture->dirfd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fixture inside = {.dirfd = root};
	put(&inside, "file", "f");
	symlinkat("../file", root, "sub/inner");
	symlinkat("../secret", root, "outer");
	symlinkat("/etc/passwd", root, "absolute");
	symlinkat("/proc/self/root", root, "magic");
	close(root);
	static const struct {
		const char *root, *path;
		int result;
	} rows[] = {
	    {"root", "root/file", 0},
	    {"root/", "root/file", 0},
	    {"root///", "root//file", 0},
	    {"root", "root", 0},
	    {"root", "root/", 0},
	    {"root", "root/sub/../file", 0},
	    {"root", "root/sub/inner", 0},
	    {"root", "root/none", -ENOENT},
	    {"root", "root/../secret", -EXDEV},
	    {"root", "root/outer", -EXDEV},
	    {"root", "root/absolute", -EXDEV},
	    {"root", "root/magic/etc/passwd", -EXDEV},
	    {"root", "rootless", -EXDEV},
	    {"root", "secret", -EXDEV},
	    {"root", "root/sub/../../secret", -EXDEV},
	    {"none", "none/x", -ENOENT},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (beneath(fixture, rows[i].root, rows[i].path, O_RDONLY) != rows[i].result)
			fail_msg("%s below %s", rows[i].path, rows[i].root);
	assert_int_equal(file_open_beneath("/", "relative", O_RDONLY, 0), -EXDEV);
	int fd = file_open_beneath("/", "/etc/passwd", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void a_new_file_gets_its_mode(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	assert_int_equal(beneath(fixture, "", "made", O_WRONLY | O_CREAT | O_EXCL), 0);
	assert_int_equal(fstatat(fixture->dirfd, "made", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(beneath(fixture, "", "made", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
}

/* ---- trees ---- */

static int make_directories(const struct fixture *fixture, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->path, name);
	return file_make_directories(path, 0700, NULL);
}

static void directories_are_made_down_to_the_last(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(make_directories(fixture, "a//b/c/"), 0);
	assert_true(has(fixture, "a/b/c"));
	assert_int_equal(make_directories(fixture, "a/b"), 0);
	put(fixture, "file", "");
	assert_int_equal(make_directories(fixture, "file"), -ENOTDIR);
	assert_int_equal(make_directories(fixture, "file/b"), -ENOTDIR);
	assert_int_equal(file_make_directories("", 0700, NULL), -ENOENT);
	assert_int_equal(file_make_directories("/", 0700, NULL), 0);
}

static void a_tree_goes_but_not_what_it_links_to(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(make_directories(fixture, "tree/deep/er"), 0);
	assert_int_equal(make_directories(fixture, "kept/deep"), 0);
	put(fixture, "file", "");
	assert_int_equal(symlinkat("../../kept", fixture->dirfd, "tree/deep/link"), 0);
	assert_int_equal(symlinkat("kept", fixture->dirfd, "link"), 0);
	assert_int_equal(mkfifoat(fixture->dirfd, "tree/fifo", 0600), 0);
	assert_int_equal(file_remove_tree(fixture->dirfd, "tree", NULL), 0);
	assert_false(has(fixture, "tree"));
	assert_int_equal(file_remove_tree(fixture->dirfd, "link", NULL), 0);
	assert_false(has(fixture, "link"));
	assert_true(has(fixture, "kept/deep"));
	assert_int_equal(file_remove_tree(fixture->dirfd, "none", NULL), 0);
	assert_int_equal(file_remove_tree(fixture->dirfd, "file", NULL), 0);
}

/* ---- the end of a log ---- */

static void expect_tail(const struct fixture *fixture, const char *name, size_t max_bytes, const char *wanted)
{
	cleanup_free char *text = file_tail_text(fixture->dirfd, name, max_bytes);
	assert_string_equal(text, wanted);
}

static void the_tail_is_text(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "log", "first\n  last words \r\n\n");
	expect_tail(fixture, "log", 100, "first\n  last words");
	expect_tail(fixture, "log", 16, "last words");
	put(fixture, "log", "bad \xff byte");
	expect_tail(fixture, "log", 100, "bad \xef\xbf\xbd byte");
	put(fixture, "log", "cut \xe2\x82\xac sign");
	expect_tail(fixture, "log", 7, "sign");
	put(fixture, "log", " \n");
	expect_tail(fixture, "log", 100, "");
	expect_tail(fixture, "none", 100, "");
	expect_tail(fixture, ".", 100, "");
}

static int make_beneath(const struct fixture *fixture, const char *path, bool *ret_made)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/root%s", fixture->path, path);
	char root[128];
	snprintf(root, sizeof(root), "%s/root", fixture->path);
	int fd = file_make_beneath(root, whole, 0700, ret_made);
	if (fd < 0)
		return fd;
	cleanup_free char *real_path = file_real_path(fd);
	close(fd);
	assert_non_null(real_path);
	assert_int_equal(strncmp(real_path, root, strlen(root)), 0);
	return 0;
}

static void what_is_made_beneath_a_root_stays_there(void **state)
{
	struct fixture *fixture = *state;
	bool made = false;

	assert_int_equal(mkdirat(fixture->dirfd, "root", 0700), 0);
	assert_int_equal(mkdirat(fixture->dirfd, "outside", 0700), 0);
	assert_int_equal(symlinkat("../outside", fixture->dirfd, "root/out"), 0);
	assert_int_equal(symlinkat("a", fixture->dirfd, "root/in"), 0);
	assert_int_equal(symlinkat("nowhere", fixture->dirfd, "root/dangling"), 0);
	assert_int_equal(mknodat(fixture->dirfd, "root/file", S_IFREG | 0600, 0), 0);
	assert_int_equal(make_beneath(fixture, "/a/b/", &made), 0);
	assert_true(made);
	assert_int_equal(make_beneath(fixture, "/a//b", &made), 0);
	assert_false(made);
	assert_int_equal(make_beneath(fixture, "/in/c", &made), 0);
	assert_true(made && has(fixture, "root/a/c"));
	assert_int_equal(make_beneath(fixture, "/out/c", &made), -EXDEV);
	assert_int_equal(make_beneath(fixture, "/in", &made), -ENOTDIR);
	assert_int_equal(make_beneath(fixture, "/dangling/c", &made), -ENOENT);
	assert_int_equal(make_beneath(fixture, "/file/c", &made), -ENOTDIR);
	assert_int_equal(make_beneath(fixture, "more/c", &made), -EXDEV);
	assert_false(has(fixture, "outside/c"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_written_is_read),
	    TEST(what_is_too_large_or_absent_is_told),
	    TEST(a_fifo_is_read_without_waiting),
	    TEST(a_write_that_fails_leaves_the_old_file),
	    TEST(a_write_goes_around_what_lies_in_its_way),
	    TEST(what_lies_beneath_is_opened_and_nothing_else),
	    TEST(what_is_made_beneath_a_root_stays_there),
	    TEST(a_new_file_gets_its_mode),
	    TEST(directories_are_made_down_to_the_last),
	    TEST(a_tree_goes_but_not_what_it_links_to),
	    TEST(the_tail_is_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
