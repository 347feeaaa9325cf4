#include "harness.h"

#include "core/channels/console_guard.h"
#include "core/channels/console_log.h"
#include "core/channels/directory_notice.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { KIB = 1024, MIB = 1024 * KIB };

struct fixture {
	struct harness *harness;
	struct console_guard *guard;
	int fd;
	int full, freed, warnings;
	bool destroys; /* the guard goes from within its callback */
};

static void told(struct fixture *fixture, int *count)
{
	++*count;
	if (!fixture->destroys)
		return;
	console_guard_destroy(fixture->guard);
	fixture->guard = NULL;
}

static void on_full(void *data)
{
	struct fixture *fixture = data;
	told(fixture, &fixture->full);
}

static void on_freed(void *data)
{
	struct fixture *fixture = data;
	told(fixture, &fixture->freed);
}

static void on_warning(const char *message, void *data)
{
	struct fixture *fixture = data;
	print_message("          warned: %s\n", message);
	told(fixture, &fixture->warnings);
}

static const struct console_guard_events events = {
    .on_disk_full = on_full,
    .on_disk_freed = on_freed,
    .on_warning = on_warning,
};

static void start(struct fixture *fixture, int64_t keep_bytes, uint64_t free_bytes)
{
	fixture->guard = console_guard_create(fixture->harness->loop, fixture->harness->dirfd, free_bytes,
					      &events, fixture, NULL);
	assert_non_null(fixture->guard);
	fixture->fd =
	    openat(fixture->harness->dirfd, "uart.out", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fixture->fd >= 0);
	assert_int_equal(console_guard_add(fixture->guard, fixture->fd, keep_bytes, NULL), 0);
}

/* The emulator: another process, with a descriptor of its own opened as QEMU opens it. Writes length bytes
 * after the first word on the pipe. */
static pid_t start_writer(struct fixture *fixture, size_t length, int *ret_go)
{
	int go[2];
	char path[64];
	assert_int_equal(pipe(go), 0);
	file_fd_path(path, sizeof(path), fixture->harness->dirfd, "uart.out");
	pid_t writer = fork();
	if (writer == 0) {
		static char bytes[64 * KIB];
		int fd = open(path, O_RDWR);
		if (read(go[0], bytes, 1) != 1)
			_exit(1);
		memset(bytes, 'x', sizeof(bytes));
		for (size_t left = length; left > 0;) {
			ssize_t count = write(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
			if (count < 0)
				_exit(2);
			left -= (size_t) count;
		}
		_exit(0);
	}
	close(go[0]);
	*ret_go = go[1];
	return writer;
}

static void let_it_write(int go, pid_t writer)
{
	int status;
	write_text(go, "g");
	close(go);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
}

static int64_t kept(struct fixture *fixture)
{
	struct console_log_window window;
	assert_int_equal(console_log_window(fixture->fd, &window), 0);
	return window.next_offset - window.first_offset;
}

static bool is_trimmed(void *data)
{
	int64_t bytes = kept(data);
	return bytes >= MIB && bytes <= MIB + MIB / 8;
}

/* ---- trimming ---- */

static void what_another_process_writes_is_trimmed(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, MIB, 0);
	for (int i = 0; i < 3; i++) {
		/* Quiet long enough for the notice to be armed. */
		harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS + 50);
		int go;
		pid_t writer = start_writer(fixture, (size_t) (3 + i) * MIB, &go);
		let_it_write(go, writer);
		assert_true(kept(fixture) > 2 * MIB);
		harness_wait_until(fixture->harness, is_trimmed, fixture);
	}
	assert_int_equal(fixture->warnings, 0);
}

static bool writer_has_ended(void *data)
{
	return waitpid(*(pid_t *) data, NULL, WNOHANG) != 0;
}

static void a_steady_writer_is_kept_within_the_window(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, 128 * KIB, 0);
	char path[64];
	file_fd_path(path, sizeof(path), fixture->harness->dirfd, "uart.out");
	pid_t writer = fork();
	if (writer == 0) {
		static char bytes[4 * KIB];
		int fd = open(path, O_RDWR);
		for (int i = 0; i < 1000; i++) {
			struct timespec pause = {.tv_nsec = 1000000};
			memset(bytes, 'x', sizeof(bytes));
			if (write(fd, bytes, sizeof(bytes)) < 0)
				_exit(1);
			nanosleep(&pause, NULL);
		}
		_exit(0);
	}
	/* 4 MB/s: at most a second's worth lies beyond the window at any time. */
	while (!harness_wait_ms(fixture->harness, writer_has_ended, &writer, 20))
		assert_true(kept(fixture) < 128 * KIB + 4 * MIB * 3 / 5);
}

static void on_stop(void *data)
{
	loop_stop(data);
}

static void an_idle_directory_costs_nothing(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, MIB, 1);
	write_text(fixture->fd, "x");
	harness_settle(fixture->harness, 3 * CONSOLE_GUARD_PACE_MS);
	assert_int_equal(inotify_instances(), 0);
	struct loop_timer *timer =
	    loop_timer_create(fixture->harness->loop, on_stop, fixture->harness->loop, NULL);
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	loop_timer_start(timer, 1200);
	loop_run(fixture->harness->loop);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_nvcsw - before.ru_nvcsw <= 2);
	loop_timer_destroy(timer);
}

static void destroying_disarms_the_signal(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, MIB, 0);
	harness_settle(fixture->harness, 3 * CONSOLE_GUARD_PACE_MS);
	console_guard_destroy(fixture->guard);
	fixture->guard = NULL;
	/* SIGIO, unhandled, would end this process. */
	write_text(fixture->fd, "x");
	harness_settle(fixture->harness, 20);
}

/* ---- the disk ---- */

static bool is_full(void *data)
{
	return ((struct fixture *) data)->full > 0;
}

static bool is_freed(void *data)
{
	return ((struct fixture *) data)->freed > 0;
}

static bool mount_small_disk(struct fixture *fixture)
{
	if (mount("tmpfs", fixture->harness->path, "tmpfs", 0, "size=8m,mode=700") < 0)
		return false;
	close(fixture->harness->dirfd);
	fixture->harness->dirfd = open(fixture->harness->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fixture->harness->dirfd >= 0;
}

static void unmount_small_disk(struct fixture *fixture)
{
	console_guard_destroy(fixture->guard);
	fixture->guard = NULL;
	close(fixture->fd);
	fixture->fd = -1;
	assert_int_equal(umount2(fixture->harness->path, MNT_DETACH), 0);
}

static void fill(struct fixture *fixture, const char *name, off_t length)
{
	int fd = openat(fixture->harness->dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, length), 0);
	close(fd);
}

static void a_full_disk_is_told_and_its_being_freed_too(void **state)
{
	struct fixture *fixture = *state;
	if (!mount_small_disk(fixture))
		skip();
	start(fixture, 64 * MIB, 4 * MIB);
	harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS + 50);
	assert_false(console_guard_is_disk_full(fixture->guard));
	int go;
	pid_t writer = start_writer(fixture, 5 * MIB, &go);
	let_it_write(go, writer);
	assert_true(harness_wait_ms(fixture->harness, is_full, fixture, 1000));
	assert_true(console_guard_is_disk_full(fixture->guard));
	/* Above the limit, but with nothing to spare: not yet. */
	assert_int_equal(ftruncate(fixture->fd, 4 * MIB - 64 * KIB), 0);
	assert_false(harness_wait_ms(fixture->harness, is_freed, fixture, 2500));
	assert_int_equal(ftruncate(fixture->fd, MIB), 0);
	assert_true(harness_wait_ms(fixture->harness, is_freed, fixture, 3000));
	assert_int_equal(fixture->full, 1);
	/* And once more. */
	fill(fixture, "other", 6 * MIB);
	write_text(fixture->fd, "x");
	fixture->full = 0;
	assert_true(harness_wait_ms(fixture->harness, is_full, fixture, 1000));
	unmount_small_disk(fixture);
}

/* Told by a write there, and by nothing else. */
static void what_fills_another_directory_counts_as_well(void **state)
{
	struct fixture *fixture = *state;
	if (!mount_small_disk(fixture))
		skip();
	start(fixture, 64 * MIB, 4 * MIB);
	assert_int_equal(mkdirat(fixture->harness->dirfd, "files", 0700), 0);
	assert_int_equal(mkdirat(fixture->harness->dirfd, "elsewhere", 0700), 0);
	int files_fd = openat(fixture->harness->dirfd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(files_fd, "flood", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	console_guard_add_directory(fixture->guard, files_fd);
	harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS + 50);
	fill(fixture, "elsewhere/other", 5 * MIB);
	harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS + 50);
	assert_int_equal(fixture->full, 0);
	write_text(fd, "x");
	assert_true(harness_wait_ms(fixture->harness, is_full, fixture, 1000));
	close(fd);
	close(files_fd);
	unmount_small_disk(fixture);
}

static void whoever_asks_and_hears_full_hears_freed_later(void **state)
{
	struct fixture *fixture = *state;
	if (!mount_small_disk(fixture))
		skip();
	start(fixture, 64 * MIB, 4 * MIB);
	harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS + 50);
	fill(fixture, "other", 6 * MIB);
	assert_true(console_guard_is_disk_full(fixture->guard));
	unlinkat(fixture->harness->dirfd, "other", 0);
	assert_false(console_guard_is_disk_full(fixture->guard));
	assert_true(harness_wait_ms(fixture->harness, is_freed, fixture, 3000));
	assert_int_equal(fixture->full, 0);
	unmount_small_disk(fixture);
}

static bool has_no_guard(void *data)
{
	return !((struct fixture *) data)->guard;
}

static void the_guard_may_go_from_within_a_callback(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroys = true;
	start(fixture, MIB, UINT64_MAX / 2);
	harness_wait_until(fixture->harness, has_no_guard, fixture);
	assert_int_equal(fixture->full, 1);
}

static void without_a_limit_the_disk_is_not_looked_at(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, MIB, 0);
	harness_settle(fixture->harness, 2 * CONSOLE_GUARD_PACE_MS);
	assert_false(console_guard_is_disk_full(fixture->guard));
	assert_int_equal(fixture->full, 0);
}

/* ---- without dnotify, and without inotify ---- */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* As on a kernel without it. */
static void forbid_dnotify(bool inotify_too)
{
	struct sock_filter filter[] = {
	    LOAD(nr),
	    UNLESS(SYS_fcntl, 3),
	    LOAD(args[1]),
	    UNLESS(F_NOTIFY, 1),
	    REFUSE,
	    LOAD(nr),
	    UNLESS(SYS_inotify_init1, 1),
	    REFUSE,
	    ALLOW,
	};
	if (!inotify_too)
		filter[6].k = UINT32_MAX;
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(3);
}

/* Runs in a process of its own, as the filter cannot be taken off. The exit code says what failed. */
static int trim_without(struct fixture *fixture, bool inotify_too)
{
	pid_t child = fork();
	if (child == 0) {
		forbid_dnotify(inotify_too);
		struct loop *loop = loop_create(NULL);
		fixture->harness->loop = loop;
		start(fixture, MIB, 0);
		if (inotify_instances() != (inotify_too ? 0 : 1))
			_exit(4);
		harness_settle(fixture->harness, 3 * CONSOLE_GUARD_PACE_MS);
		int go;
		pid_t writer = start_writer(fixture, 3 * MIB, &go);
		let_it_write(go, writer);
		if (!harness_wait_ms(fixture->harness, is_trimmed, fixture, 3000))
			_exit(5);
		_exit(fixture->warnings == (inotify_too ? 1 : 0) ? 0 : 6);
	}
	int status;
	waitpid(child, &status, 0);
	return status;
}

static void without_dnotify_inotify_serves(void **state)
{
	assert_int_equal(trim_without(*state, false), 0);
}

static void without_either_it_ticks_and_warns(void **state)
{
	assert_int_equal(trim_without(*state, true), 0);
}

/* ---- */

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	fixture->fd = -1;
	*state = fixture;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;
	console_guard_destroy(fixture->guard);
	if (fixture->fd >= 0)
		close(fixture->fd);
	umount2(fixture->harness->path, MNT_DETACH); /* where a test failed on its small disk */
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_another_process_writes_is_trimmed),
	    TEST(a_steady_writer_is_kept_within_the_window),
	    TEST(an_idle_directory_costs_nothing),
	    TEST(destroying_disarms_the_signal),
	    TEST(a_full_disk_is_told_and_its_being_freed_too),
	    TEST(what_fills_another_directory_counts_as_well),
	    TEST(whoever_asks_and_hears_full_hears_freed_later),
	    TEST(the_guard_may_go_from_within_a_callback),
	    TEST(without_a_limit_the_disk_is_not_looked_at),
	    TEST(without_dnotify_inotify_serves),
	    TEST(without_either_it_ticks_and_warns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
