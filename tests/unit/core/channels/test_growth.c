#include "harness.h"

#include "core/channels/growth.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct fixture {
	struct harness *harness;
	struct growth *growth;
	int fd;
};

struct follower {
	struct growth_watch *watch;
	struct follower *victim; /* destroyed by the first call */
	int fd;
	int calls;
	int64_t wanted, seen;
};

static void destroy_follower(struct follower *follower)
{
	growth_watch_destroy(follower->watch);
	follower->watch = NULL;
}

static void on_growth(void *data)
{
	struct follower *follower = data;
	follower->calls++;
	follower->seen = lseek(follower->fd, 0, SEEK_END);
	if (follower->victim)
		destroy_follower(follower->victim);
}

static bool has_seen_wanted(void *data)
{
	const struct follower *follower = data;
	return follower->seen >= follower->wanted;
}

static void follow(struct fixture *fixture, struct follower *follower, int64_t offset)
{
	follower->fd = fixture->fd;
	follower->watch =
	    growth_watch_create(fixture->growth, fixture->fd, offset, on_growth, follower, NULL);
	assert_non_null(follower->watch);
	assert_int_equal(follower->calls, 0);
}

static void wait_for(struct fixture *fixture, struct follower *follower, int64_t size)
{
	follower->wanted = size;
	harness_wait_until(fixture->harness, has_seen_wanted, follower);
}

/* How many inotify watches this process has; -1: no instance. */
static int watch_count(void)
{
	int count = -1;
	DIR *descriptors = opendir("/proc/self/fd");
	for (struct dirent *entry; (entry = readdir(descriptors));) {
		char path[300], text[4096] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		ssize_t length = readlink(path, text, sizeof(text) - 1);
		if (length < 0 || strcmp(text, "anon_inode:inotify") != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
		FILE *info = fopen(path, "r");
		for (count = 0; fgets(text, sizeof(text), info);)
			count += strncmp(text, "inotify wd:", 11) == 0;
		fclose(info);
	}
	closedir(descriptors);
	return count;
}

static bool has_no_instance(void *data)
{
	(void) data;
	return watch_count() < 0;
}

static void growth_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct follower follower = {0};
	follow(fixture, &follower, 0);
	for (int64_t size = 1; size <= 20; size++) {
		write_text(fixture->fd, "x");
		wait_for(fixture, &follower, size);
	}
	destroy_follower(&follower);
}

static void what_is_there_already_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct follower behind = {0}, at_the_end = {0};
	write_text(fixture->fd, "boot");
	follow(fixture, &behind, 3);
	follow(fixture, &at_the_end, 4);
	wait_for(fixture, &behind, 4);
	assert_int_equal(behind.calls, 1);
	harness_settle(fixture->harness, 20);
	assert_int_equal(at_the_end.calls, 0);
	destroy_follower(&behind);
	destroy_follower(&at_the_end);
}

static void followers_of_a_file_share_one_watch(void **state)
{
	struct fixture *fixture = *state;
	struct follower followers[10] = {0};
	assert_int_equal(watch_count(), -1);
	for (int i = 0; i < 10; i++)
		follow(fixture, &followers[i], 0);
	assert_int_equal(watch_count(), 1);
	write_text(fixture->fd, "x");
	for (int i = 0; i < 10; i++)
		wait_for(fixture, &followers[i], 1);
	for (int i = 0; i < 9; i++)
		destroy_follower(&followers[i]);
	write_text(fixture->fd, "y");
	wait_for(fixture, &followers[9], 2);
	destroy_follower(&followers[9]);
	harness_wait_until(fixture->harness, has_no_instance, NULL);
}

static void a_flood_is_told_at_the_pace(void **state)
{
	struct fixture *fixture = *state;
	struct follower follower = {0};
	follow(fixture, &follower, 0);
	pid_t writer = fork();
	if (writer == 0) {
		for (int i = 0; i < 100000; i++)
			if (write(fixture->fd, "x", 1) != 1)
				_exit(1);
		_exit(0);
	}
	int64_t start = clock_monotonic_ms();
	wait_for(fixture, &follower, 100000);
	int64_t elapsed = clock_monotonic_ms() - start;
	assert_true(follower.calls <= elapsed / GROWTH_PACE_MS + 3);
	waitpid(writer, NULL, 0);
	destroy_follower(&follower);
}

/* The writer waits for each byte to be seen, and writes the next after a time that falls everywhere into the
 * pace, the look behind it and the arming. */
static void no_byte_is_missed_between_look_and_arming(void **state)
{
	enum { ROUNDS = 600 };
	struct fixture *fixture = *state;
	struct follower follower = {0};
	int seen[2];
	assert_int_equal(pipe(seen), 0);
	follow(fixture, &follower, 0);
	pid_t writer = fork();
	if (writer == 0) {
		char byte;
		for (int i = 0; i < ROUNDS; i++) {
			struct timespec pause = {.tv_nsec = i % 60 * 100000L};
			nanosleep(&pause, NULL);
			if (write(fixture->fd, "x", 1) != 1 || read(seen[0], &byte, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 1; i <= ROUNDS; i++) {
		wait_for(fixture, &follower, i);
		write_text(seen[1], "s");
	}
	int status;
	waitpid(writer, &status, 0);
	assert_int_equal(status, 0);
	close(seen[0]);
	close(seen[1]);
	destroy_follower(&follower);
}

static void on_stop(void *data)
{
	loop_stop(data);
}

static void an_idle_file_costs_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct follower follower = {0};
	follow(fixture, &follower, 0);
	write_text(fixture->fd, "x");
	wait_for(fixture, &follower, 1);
	harness_settle(fixture->harness, 30);
	struct loop_timer *timer =
	    loop_timer_create(fixture->harness->loop, on_stop, fixture->harness->loop, NULL);
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	loop_timer_start(timer, 200);
	loop_run(fixture->harness->loop);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_nvcsw - before.ru_nvcsw <= 2);
	loop_timer_destroy(timer);
	destroy_follower(&follower);
}

static void watches_may_go_from_within_a_call(void **state)
{
	struct fixture *fixture = *state;
	struct follower victims[3] = {0}, killer = {.victim = &victims[1]}, suicide = {0};
	suicide.victim = &suicide;
	follow(fixture, &victims[0], 0);
	follow(fixture, &victims[1], 0);
	follow(fixture, &killer, 0);
	follow(fixture, &suicide, 0);
	follow(fixture, &victims[2], 0);
	write_text(fixture->fd, "x");
	wait_for(fixture, &victims[0], 1);
	wait_for(fixture, &victims[2], 1);
	assert_int_equal(killer.calls, 1);
	assert_int_equal(suicide.calls, 1);
	assert_int_equal(victims[1].calls, 0);
	killer.victim = NULL;
	write_text(fixture->fd, "y");
	wait_for(fixture, &killer, 2);
	assert_int_equal(suicide.calls, 1);
	destroy_follower(&killer);
	destroy_follower(&victims[0]);
	destroy_follower(&victims[2]);
}

static void a_kept_instance_stays_without_a_file(void **state)
{
	struct fixture *fixture = *state;
	struct follower follower = {0};
	assert_int_equal(growth_keep(fixture->growth, NULL), 0);
	assert_int_equal(watch_count(), 0);
	follow(fixture, &follower, 0);
	write_text(fixture->fd, "x");
	wait_for(fixture, &follower, 1);
	destroy_follower(&follower);
	assert_false(harness_wait_ms(fixture->harness, has_no_instance, NULL, 1200));
}

static void a_lack_of_instances_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, none;
	struct error error = {0};
	struct follower follower = {0};
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	struct growth_watch *watch =
	    growth_watch_create(fixture->growth, fixture->fd, 0, on_growth, &follower, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_null(watch);
	assert_int_equal(error.number, -EMFILE);
	assert_string_equal(error.code, "no_watches");
	follow(fixture, &follower, 0);
	write_text(fixture->fd, "x");
	wait_for(fixture, &follower, 1);
	destroy_follower(&follower);
}

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	fixture->growth = growth_create(fixture->harness->loop, NULL);
	fixture->fd = openat(fixture->harness->dirfd, "uart.out", O_RDWR | O_CREAT | O_EXCL | O_APPEND, 0600);
	*state = fixture;
	return fixture->growth && fixture->fd >= 0 ? 0 : -1;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;
	growth_destroy(fixture->growth);
	close(fixture->fd);
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(growth_is_told),
	    TEST(what_is_there_already_is_told),
	    TEST(followers_of_a_file_share_one_watch),
	    TEST(a_flood_is_told_at_the_pace),
	    TEST(no_byte_is_missed_between_look_and_arming),
	    TEST(an_idle_file_costs_nothing),
	    TEST(watches_may_go_from_within_a_call),
	    TEST(a_kept_instance_stays_without_a_file),
	    TEST(a_lack_of_instances_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
