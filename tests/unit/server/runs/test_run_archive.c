#include "../../scratch.h"

#include "core/base/cleanup.h"
#include "server/runs/run_archive.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MIB = 1024 * 1024 };

struct archive_fixture {
	struct scratch scratch; /* the state directory */
	int board;              /* a board's */
	struct run_archive *archive;
};

static bool is_even(int64_t id, void *data)
{
	(void) data;
	return id % 2 == 0;
}

static void open_archive(struct archive_fixture *fixture)
{
	struct error error = {0};
	fixture->archive = run_archive_create(fixture->scratch.path, is_even, NULL, &error);
	if (!fixture->archive)
		fail_msg("%s", error.message);
}

static int set_up(void **state)
{
	struct archive_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "board", 0700), 0);
	fixture->board = openat(fixture->scratch.dirfd, "board", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	open_archive(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct archive_fixture *fixture = *state;
	run_archive_destroy(fixture->archive);
	close(fixture->board);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void write_console(struct archive_fixture *fixture, const char *text)
{
	assert_int_equal(file_write_atomic(fixture->board, "uart.out", text, strlen(text), 0600, NULL), 0);
}

static void take_well(struct archive_fixture *fixture, int64_t id)
{
	struct error error = {0};
	if (run_archive_take(fixture->archive, id, fixture->board, "uart", &error))
		fail_msg("%s", error.message);
}

static void expect_output(struct archive_fixture *fixture, int64_t id, const char *text)
{
	struct error error = {0};
	cleanup_close int fd = run_archive_open(fixture->archive, id, &error);
	if (fd < 0)
		fail_msg("%s", error.message);
	char bytes[64] = "";
	assert_int_equal(read(fd, bytes, sizeof(bytes) - 1), strlen(text));
	assert_string_equal(bytes, text);
	assert_true(write(fd, "x", 1) < 0);
}

static void output_goes_on_growing_and_outlives_its_board(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "boot");
	cleanup_close int console = openat(fixture->board, "uart.out", O_WRONLY | O_APPEND | O_CLOEXEC);
	take_well(fixture, 2);
	assert_int_equal(write(console, " PASSED", 7), 7);
	expect_output(fixture, 2, "boot PASSED");
	assert_int_equal(file_remove_tree(fixture->scratch.dirfd, "board", NULL), 0);
	expect_output(fixture, 2, "boot PASSED");
	assert_true(run_archive_bytes(fixture->archive, 2) >= 11);

	struct stat status;
	assert_int_equal(fstatat(fixture->scratch.dirfd, "runs", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(fstatat(fixture->scratch.dirfd, "runs/2", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(fstatat(fixture->scratch.dirfd, "runs/2/output", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_second_time_is_the_same_and_a_new_file_replaces_the_old(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "first");
	take_well(fixture, 2);
	take_well(fixture, 2);
	expect_output(fixture, 2, "first");
	write_console(fixture, "begun again");
	take_well(fixture, 2);
	expect_output(fixture, 2, "begun again");
}

static void a_freed_head_takes_no_room(void **state)
{
	struct archive_fixture *fixture = *state;
	static char block[MIB];
	memset(block, 'x', sizeof(block));
	cleanup_close int console = openat(fixture->board, "uart.out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pwrite(console, block, MIB, (off_t) i * MIB), MIB);
	if (fallocate(console, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 3 * MIB) < 0)
		skip();
	take_well(fixture, 2);
	cleanup_close int fd = run_archive_open(fixture->archive, 2, NULL);
	assert_int_equal(lseek(fd, 0, SEEK_DATA), 3 * MIB);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4 * MIB);
	int64_t bytes = run_archive_bytes(fixture->archive, 2);
	assert_in_range(bytes, MIB, MIB + 64 * 1024);
}

/* ---- what a board puts in the place of its console's file ---- */

static void refuse(struct archive_fixture *fixture, int expected)
{
	struct error error = {0};
	assert_int_equal(run_archive_take(fixture->archive, 2, fixture->board, "uart", &error), expected);
	assert_true(error.message[0] != '\0');
	assert_int_equal(run_archive_open(fixture->archive, 2, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	assert_int_equal(run_archive_bytes(fixture->archive, 2), 0);
}

static void no_output_is_told(void **state)
{
	refuse(*state, -ENOENT);
}

static void a_symlink_is_not_followed(void **state)
{
	struct archive_fixture *fixture = *state;
	scratch_write(&fixture->scratch, "secret", "of somebody else");
	assert_int_equal(symlinkat("../secret", fixture->board, "uart.out"), 0);
	refuse(fixture, -EINVAL);
}

static void a_fifo_does_not_stop_us(void **state)
{
	struct archive_fixture *fixture = *state;
	assert_int_equal(mkfifoat(fixture->board, "uart.out", 0600), 0);
	refuse(fixture, -EINVAL);
}

static void another_name_of_another_file_is_not_taken(void **state)
{
	struct archive_fixture *fixture = *state;
	scratch_write(&fixture->scratch, "secret", "of somebody else");
	assert_int_equal(linkat(fixture->scratch.dirfd, "secret", fixture->board, "uart.out", 0), 0);
	refuse(fixture, -EINVAL);
}

static void a_folder_that_is_a_symlink_is_not_followed(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "boot");
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "elsewhere", 0700), 0);
	assert_int_equal(symlinkat("../elsewhere", fixture->scratch.dirfd, "runs/2"), 0);
	struct error error = {0};
	assert_true(run_archive_take(fixture->archive, 2, fixture->board, "uart", &error) < 0);
	assert_false(scratch_has(&fixture->scratch, "elsewhere/output"));
	assert_int_equal(run_archive_remove(fixture->archive, 2, NULL), 0);
	assert_true(scratch_has(&fixture->scratch, "elsewhere"));
	take_well(fixture, 2);
}

/* ---- what stays, what goes ---- */

static void what_is_removed_is_gone_and_nothing_is_removed_well(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "boot");
	take_well(fixture, 2);
	assert_int_equal(run_archive_remove(fixture->archive, 2, NULL), 0);
	assert_false(scratch_has(&fixture->scratch, "runs/2"));
	assert_int_equal(run_archive_remove(fixture->archive, 2, NULL), 0);
}

static void a_new_start_removes_what_no_run_has(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "boot");
	take_well(fixture, 2);
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "runs/7", 0700), 0);
	assert_int_equal(mkfifoat(fixture->scratch.dirfd, "runs/7/output", 0600), 0);
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "runs/notes", 0700), 0);
	run_archive_destroy(fixture->archive);
	open_archive(fixture);
	assert_false(scratch_has(&fixture->scratch, "runs/7"));
	assert_true(scratch_has(&fixture->scratch, "runs/notes"));
	expect_output(fixture, 2, "boot");
}

/* Whenever it is killed, the output is whole or not there, and the next take ends well. */
static void a_kill_at_any_time_leaves_nothing_half(void **state)
{
	struct archive_fixture *fixture = *state;
	write_console(fixture, "boot");
	unsigned *rounds =
	    mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rounds, MAP_FAILED);
	for (int i = 0; i < 40; i++) {
		unsigned before = *rounds;
		pid_t child = fork();
		if (child == 0)
			for (;; ++*(volatile unsigned *) rounds)
				if (run_archive_take(fixture->archive, 2, fixture->board, "uart", NULL) ||
				    run_archive_remove(fixture->archive, 2, NULL))
					_exit(1);
		while (*(volatile unsigned *) rounds == before)
			sched_yield();
		int status;
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		run_archive_destroy(fixture->archive);
		open_archive(fixture);
		take_well(fixture, 2);
		expect_output(fixture, 2, "boot");
		assert_int_equal(run_archive_remove(fixture->archive, 2, NULL), 0);
		assert_false(scratch_has(&fixture->scratch, "runs/2"));
	}
	munmap(rounds, sizeof(*rounds));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(output_goes_on_growing_and_outlives_its_board),
	    TEST(a_second_time_is_the_same_and_a_new_file_replaces_the_old),
	    TEST(a_freed_head_takes_no_room),
	    TEST(no_output_is_told),
	    TEST(a_symlink_is_not_followed),
	    TEST(a_fifo_does_not_stop_us),
	    TEST(another_name_of_another_file_is_not_taken),
	    TEST(a_folder_that_is_a_symlink_is_not_followed),
	    TEST(what_is_removed_is_gone_and_nothing_is_removed_well),
	    TEST(a_new_start_removes_what_no_run_has),
	    TEST(a_kill_at_any_time_leaves_nothing_half),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
