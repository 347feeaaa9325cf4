#include "store_fixture.h"

#include "core/loop/loop.h"
#include "server/store/instances.h"
#include "server/store/migrations.h"

#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int insert_numbered(struct store *store, int number, struct error *error)
{
	char id[32], path[32];
	snprintf(id, sizeof(id), "i-%06d", number);
	snprintf(path, sizeof(path), "/s/%06d", number);
	static char spec[600];
	memset(spec, 'x', sizeof(spec) - 1);
	struct instance_row row = {.id = id,
				   .path = path,
				   .target = "t",
				   .emulator = "qemu",
				   .spec = spec,
				   .labels = "{\"k\":\"v\"}",
				   .state = "created"};
	return instances_insert(store, &row, error);
}

static void refuse_to_open(const char *path, const char *expected_words)
{
	struct error error = {0};
	assert_null(store_open(path, &error));
	assert_true(error.number < 0);
	if (!strstr(error.message, expected_words) || !strstr(error.message, path))
		fail_msg("\"%s\" does not name %s and \"%s\"", error.message, path, expected_words);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static mode_t mode_of(const char *path, const char *suffix)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", path, suffix);
	struct stat status;
	assert_int_equal(stat(name, &status), 0);
	return status.st_mode & 07777;
}

static void its_files_are_private_whatever_the_umask(void **state)
{
	struct store_fixture *fixture = *state;
	store_close(fixture->store);
	fixture->store = NULL;
	assert_int_equal(chmod(fixture->path, 0644), 0);
	mode_t old = umask(0);
	store_fixture_reopen(fixture);
	umask(old);
	assert_int_equal(insert_numbered(fixture->store, 1, NULL), 0);
	assert_int_equal(mode_of(fixture->path, ""), 0600);
	assert_int_equal(mode_of(fixture->path, "-wal"), 0600);
	assert_int_equal(mode_of(fixture->path, "-shm"), 0600);
}

static void a_database_of_a_newer_emud_is_refused_and_left_alone(void **state)
{
	struct store_fixture *fixture = *state;
	assert_int_equal(insert_numbered(fixture->store, 1, NULL), 0);
	store_close(fixture->store);
	fixture->store = NULL;
	run_sql(fixture->path, "PRAGMA user_version = 1000");
	refuse_to_open(fixture->path, "newer emud");
	char as_it_was[64];
	int version = 0;
	while (store_migrations[version].name)
		version++;
	snprintf(as_it_was, sizeof(as_it_was), "PRAGMA user_version = %d", version);
	run_sql(fixture->path, as_it_was);
	store_fixture_reopen(fixture);
	int64_t count = 0;
	assert_int_equal(instances_count(fixture->store, &count, NULL), 0);
	assert_int_equal(count, 1);
}

static void a_database_of_another_program_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	char path[128];
	snprintf(path, sizeof(path), "%s/other.db", fixture->directory);
	run_sql(path, "CREATE TABLE bookmarks (url)");
	refuse_to_open(path, "another program");
	run_sql(path, "INSERT INTO bookmarks VALUES ('still usable')");
}

static void write_file(const char *path, const char *text)
{
	cleanup_fclose FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

static void what_is_no_database_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	char path[128];
	snprintf(path, sizeof(path), "%s/text.db", fixture->directory);
	write_file(path,
		   "This is a letter to my aunt, long enough to be read as a header of a database file, "
		   "which it is not, as anybody can see who reads it.");
	refuse_to_open(path, "not a database");
	refuse_to_open(fixture->directory, "");
	snprintf(path, sizeof(path), "%s/no/such/folder.db", fixture->directory);
	refuse_to_open(path, "No such file");
}

static void a_damaged_database_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(insert_numbered(fixture->store, i, NULL), 0);
	store_close(fixture->store);
	fixture->store = NULL;
	int fd = open(fixture->path, O_RDWR | O_CLOEXEC);
	char garbage[4096];
	memset(garbage, 0xa5, sizeof(garbage));
	for (off_t page = 2; page < 12; page++)
		assert_int_equal(pwrite(fd, garbage, sizeof(garbage), page * 4096), sizeof(garbage));
	close(fd);
	refuse_to_open(fixture->path, "damaged");
}

/* Writes until it is killed, and says after each row that it is in. */
static void write_rows_forever(const char *path, int first, int pipe_fd)
{
	struct store *store = store_open(path, NULL);
	for (int number = first; store && !insert_numbered(store, number, NULL); number++)
		if (write(pipe_fd, &number, sizeof(number)) != sizeof(number))
			break;
	_exit(1);
}

static int note_number(struct instance_row *row, void *data)
{
	int *numbers = data;
	assert_int_equal(atoi(row->id + 2), numbers[1]);
	assert_string_equal(row->labels, "{\"k\":\"v\"}");
	numbers[1]++;
	return 0;
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct store_fixture *fixture = *state;
	int next = 0;
	for (int round = 0; round < 5; round++) {
		store_close(TAKE(fixture->store));
		int ends[2], acknowledged = -1;
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		pid_t child = fork();
		if (child == 0)
			write_rows_forever(fixture->path, next, ends[1]);
		close(ends[1]);
		while (acknowledged < next + 37 * (round + 1))
			assert_int_equal(read(ends[0], &acknowledged, sizeof(int)), sizeof(int));
		kill(child, SIGKILL);
		while (read(ends[0], &acknowledged, sizeof(int)) == sizeof(int))
			continue;
		close(ends[0]);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));

		store_fixture_reopen(fixture);
		/* Each of them once, in full, with its label; perhaps one more that could not be told. */
		int numbers[2] = {0, 0};
		struct instances_filter labelled = {.label_key = "k", .label_value = "v"};
		assert_int_equal(instances_list(fixture->store, &labelled, note_number, numbers, NULL, NULL),
				 0);
		int64_t count = 0;
		assert_int_equal(instances_count(fixture->store, &count, NULL), 0);
		assert_int_equal(count, numbers[1]);
		assert_in_range(numbers[1], acknowledged + 1, acknowledged + 2);
		next = numbers[1];
	}
}

/* In a mount namespace of this process alone, where it may have one. */
static bool mount_small_disk(const char *directory)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", directory, "tmpfs", 0, "size=512k") == 0;
}

static void a_full_disk_refuses_the_row_and_harms_no_other(void **state)
{
	struct store_fixture *fixture = *state;
	store_close(TAKE(fixture->store));
	if (!mount_small_disk(fixture->directory))
		skip();
	store_fixture_reopen(fixture);
	struct error error = {0};
	int count = 0;
	while (!insert_numbered(fixture->store, count, &error))
		count++;
	assert_int_equal(error.number, -ENOSPC);
	assert_string_equal(error.code, "insufficient_storage");
	assert_true(count > 10);
	int64_t stored = 0;
	assert_int_equal(instances_count(fixture->store, &stored, NULL), 0);
	assert_int_equal(stored, count);

	assert_int_equal(mount("tmpfs", fixture->directory, "tmpfs", MS_REMOUNT, "size=8m"), 0);
	assert_int_equal(insert_numbered(fixture->store, count, NULL), 0);
	store_fixture_reopen(fixture);
	assert_int_equal(instances_count(fixture->store, &stored, NULL), 0);
	assert_int_equal(stored, count + 1);
	store_close(TAKE(fixture->store));
	assert_int_equal(umount(fixture->directory), 0);
}

struct writing {
	struct loop *loop;
	struct loop_timer *timer;
	struct store_fixture *fixture;
	int next, turns;
	off_t log_bytes;
	bool is_bounded;
};

/* A crowd of rows, then one a turn, until one finds room in a log that the pool thread has folded in: without
 * that, every row would lengthen it. */
static void on_turn(void *data)
{
	enum { CROWD = 6000, TURNS_MAX = 20000 };
	struct writing *writing = data;
	char log[128];
	snprintf(log, sizeof(log), "%s-wal", writing->fixture->path);
	bool is_crowd = writing->next < CROWD;
	for (int i = 0; i < (is_crowd ? 20 : 1); i++)
		assert_int_equal(insert_numbered(writing->fixture->store, writing->next++, NULL), 0);
	struct stat status;
	assert_int_equal(stat(log, &status), 0);
	writing->is_bounded = !is_crowd && status.st_size == writing->log_bytes;
	writing->log_bytes = status.st_size;
	if (writing->is_bounded || ++writing->turns > TURNS_MAX)
		loop_stop(writing->loop);
	else
		loop_timer_start(writing->timer, 1);
}

static void checkpoints_bound_the_log_while_the_loop_writes(void **state)
{
	struct store_fixture *fixture = *state;
	struct writing writing = {.fixture = fixture, .loop = loop_create(NULL)};
	assert_non_null(writing.loop);
	assert_int_equal(store_start_checkpoints(fixture->store, writing.loop, NULL), 0);
	writing.timer = loop_timer_create(writing.loop, on_turn, &writing, NULL);
	loop_timer_start(writing.timer, 0);
	loop_run(writing.loop);
	assert_true(writing.is_bounded);
	struct stat status;
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_true(status.st_size > 1000 * 1000);
	loop_timer_destroy(writing.timer);
	store_fixture_reopen(fixture); /* perhaps in the middle of a checkpoint */
	loop_destroy(writing.loop);
	int64_t count = 0;
	assert_int_equal(instances_count(fixture->store, &count, NULL), 0);
	assert_int_equal(count, writing.next);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(its_files_are_private_whatever_the_umask),
	    TEST(a_database_of_a_newer_emud_is_refused_and_left_alone),
	    TEST(a_database_of_another_program_is_refused),
	    TEST(what_is_no_database_is_refused),
	    TEST(a_damaged_database_is_refused),
	    TEST(what_was_acknowledged_survives_kill_9),
	    TEST(checkpoints_bound_the_log_while_the_loop_writes),
	    TEST(a_full_disk_refuses_the_row_and_harms_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
