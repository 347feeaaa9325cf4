#include "support.h"

#include "core/channels/console_log.h"

#include <sys/resource.h>

/* ---- files ---- */

static void files_are_fresh_and_private(void **state)
{
	struct fixture *fixture = *state;
	int dirfd = fixture->harness->dirfd;
	int old = openat(dirfd, "uart.out", O_WRONLY | O_CREAT, 0644);
	write_text(old, "of an earlier start");
	close(openat(dirfd, "uart.in", O_WRONLY | O_CREAT, 0644));
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	struct stat out, in, before;
	assert_int_equal(fstatat(dirfd, "uart.out", &out, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(dirfd, "uart.in", &in, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstat(old, &before), 0);
	assert_int_equal(out.st_size, 0);
	assert_int_equal(before.st_size, 19);
	assert_int_equal(out.st_mode, S_IFREG | 0600);
	assert_int_equal(in.st_mode, S_IFIFO | 0600);
	assert_int_equal(fcntl(fixture->guest_input, F_GETPIPE_SZ), 65536);
	close(old);

	console_destroy(fixture->console);
	fixture->console = NULL;
	assert_int_equal(fstatat(dirfd, "uart.out", &out, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(dirfd, "uart.in", &in, AT_SYMLINK_NOFOLLOW), -1);
}

/* ---- input ---- */

struct outcome {
	int calls;
	int turn; /* the how-manieth of all to be told */
	size_t written;
	int number;
	struct fixture *to_destroy;
};

static void on_done(size_t written, int number, void *data)
{
	static int turns;
	struct outcome *outcome = data;
	outcome->calls++;
	outcome->turn = ++turns;
	outcome->written = written;
	outcome->number = number;
	if (outcome->to_destroy) {
		console_destroy(outcome->to_destroy->console);
		outcome->to_destroy->console = NULL;
	}
}

static bool is_done(void *data)
{
	const struct outcome *outcome = data;
	return outcome->calls > 0;
}

static void type(struct fixture *fixture, const void *bytes, size_t length, uint64_t timeout_ms,
		 struct outcome *outcome)
{
	assert_int_equal(console_write(fixture->console, bytes, length, timeout_ms, on_done, outcome, NULL),
			 0);
	assert_int_equal(outcome->calls, 0);
}

static void input_reaches_the_guest(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0}, nothing = {0};
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	type(fixture, "help\n", 5, 1000, &outcome);
	type(fixture, "", 0, 1000, &nothing);
	expect_guest_reads(fixture, "help\n");
	harness_wait_until(fixture->harness, is_done, &nothing);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.written, 5);
	assert_int_equal(outcome.number, 0);
	assert_int_equal(nothing.number, 0);
}

static void writers_are_served_whole_one_after_the_other(void **state)
{
	enum { LENGTH = 100000 };
	struct fixture *fixture = *state;
	struct outcome first = {0}, second = {0};
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	char *a = malloc(LENGTH), *b = malloc(LENGTH), *got = malloc(2 * LENGTH);
	memset(a, 'a', LENGTH);
	memset(b, 'b', LENGTH);
	type(fixture, a, LENGTH, 60000, &first);
	type(fixture, b, LENGTH, 60000, &second);
	for (size_t length = 0; length < 2 * LENGTH;) {
		harness_wait_until(fixture->harness, guest_has_input, fixture);
		length += (size_t) read(fixture->guest_input, got + length, 5000);
	}
	assert_memory_equal(got, a, LENGTH);
	assert_memory_equal(got + LENGTH, b, LENGTH);
	harness_wait_until(fixture->harness, is_done, &second);
	assert_int_equal(first.written, LENGTH);
	assert_int_equal(second.written, LENGTH);
	assert_int_equal(second.number, 0);
	free(a);
	free(b);
	free(got);
}

static void a_guest_that_does_not_read_makes_writers_time_out(void **state)
{
	static const char bytes[100000];
	struct fixture *fixture = *state;
	struct outcome patient = {0}, waiting = {0};
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	type(fixture, bytes, sizeof(bytes), 1000, &patient);
	type(fixture, "x", 1, 50, &waiting);
	harness_wait_until(fixture->harness, is_done, &waiting);
	assert_int_equal(waiting.number, -ETIMEDOUT);
	assert_int_equal(waiting.written, 0);
	harness_wait_until(fixture->harness, is_done, &patient);
	assert_true(waiting.turn < patient.turn);
	assert_int_equal(patient.number, -ETIMEDOUT);
	assert_int_equal(patient.written, 65536);
}

static void draining_throws_away_what_waits(void **state)
{
	static const char bytes[100000];
	struct fixture *fixture = *state;
	struct outcome outcome = {0}, after = {0};
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	type(fixture, bytes, sizeof(bytes), 60000, &outcome);
	console_drain_input(fixture->console);
	assert_false(guest_has_input(fixture));
	type(fixture, "new", 3, 1000, &after);
	harness_wait_until(fixture->harness, is_done, &after);
	assert_int_equal(outcome.number, -ECANCELED);
	assert_int_equal(outcome.written, 65536);
	expect_guest_reads(fixture, "new");
}

static void destroying_completes_every_writer_once(void **state)
{
	static const char bytes[100000];
	struct fixture *fixture = *state;
	struct outcome done = {.to_destroy = fixture}, ready = {0}, waiting = {0};
	start_console(fixture, CONSOLE_ENDPOINT_NONE);
	type(fixture, "x", 1, 1000, &done);
	type(fixture, "y", 1, 1000, &ready);
	type(fixture, bytes, sizeof(bytes), 60000, &waiting);
	harness_wait_until(fixture->harness, is_done, &done);
	assert_int_equal(done.calls, 1);
	assert_int_equal(ready.calls, 1);
	assert_int_equal(ready.number, 0);
	assert_int_equal(waiting.calls, 1);
	assert_int_equal(waiting.number, -ECANCELED);
}

/* ---- tcp: output ---- */

/* A hole where the head was. */
static void trim_to(struct fixture *fixture, int64_t keep_bytes)
{
	assert_int_equal(console_log_trim(console_output_fd(fixture->console), keep_bytes), 0);
}

static struct peer *join(struct fixture *fixture)
{
	return peer_create(fixture->harness, connect_tcp(console_port(fixture->console)), true);
}

/* One that has been let in, so that what the guest prints next finds it there. */
static struct peer *join_at_live_end(struct fixture *fixture)
{
	struct peer *peer = join(fixture);
	harness_settle(fixture->harness, 10);
	assert_int_equal(peer->received.length, 0);
	return peer;
}

static void the_first_client_gets_everything(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	guest_prints(fixture, "boot\n");
	struct peer *peer = join(fixture);
	peer_expect(fixture->harness, peer, "boot\n");
	guest_prints(fixture, "ready\n");
	peer_expect(fixture->harness, peer, "ready\n");
	peer_destroy(peer);
}

static void the_next_client_goes_on_where_the_last_one_left(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	for (int i = 0; i < 20; i++) {
		guest_prints(fixture, "before ");
		struct peer *peer = join(fixture);
		peer_expect(fixture->harness, peer, i ? "while away before " : "before ");
		peer_destroy(peer);
		/* Before the loop has seen the client close. */
		guest_prints(fixture, "while away ");
		if (i % 2)
			harness_settle(fixture->harness, 10);
	}
}

static void one_that_joins_others_begins_at_the_live_end(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	guest_prints(fixture, "boot\n");
	struct peer *first = join(fixture);
	peer_expect(fixture->harness, first, "boot\n");
	struct peer *second = join_at_live_end(fixture);
	guest_prints(fixture, "both\n");
	peer_expect(fixture->harness, first, "both\n");
	peer_expect(fixture->harness, second, "both\n");
	peer_destroy(first);
	harness_settle(fixture->harness, 10);
	guest_prints(fixture, "one\n");
	peer_expect(fixture->harness, second, "one\n");
	peer_destroy(second);
}

static void a_client_that_has_just_closed_is_no_company(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct peer *first = join_at_live_end(fixture);
	loop_watch_set(first->watch, 0);
	peer_destroy(first);
	guest_prints(fixture, "waits");
	struct peer *second = join(fixture);
	peer_expect(fixture->harness, second, "waits");
	peer_destroy(second);
}

static void a_slow_client_lags_alone_and_gets_every_byte(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct peer *slow = peer_create(fixture->harness, connect_tcp(console_port(fixture->console)), false);
	harness_settle(fixture->harness, 10);
	struct peer *fast = join_at_live_end(fixture);
	for (int i = 0; i < 16; i++) {
		guest_floods(fixture, MIB);
		expect_pattern(fixture, fast, (int64_t) i * MIB, MIB);
	}
	loop_watch_set(slow->watch, LOOP_READABLE);
	expect_pattern(fixture, slow, 0, 16 * MIB);
	peer_destroy(fast);
	peer_destroy(slow);
}

static void a_client_overtaken_by_the_window_goes_on_at_its_beginning(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	guest_floods(fixture, 3 * MIB);
	trim_to(fixture, MIB);
	struct peer *peer = join(fixture);
	expect_pattern(fixture, peer, 2 * MIB, MIB);
	guest_floods(fixture, 10);
	expect_pattern(fixture, peer, 3 * MIB, 10);
	peer_destroy(peer);
}

static void clients_beyond_the_limit_are_closed(void **state)
{
	enum { LIMIT = 64 };
	struct fixture *fixture = *state;
	struct peer *peers[LIMIT + 1];
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	for (int i = 0; i <= LIMIT; i++)
		peers[i] = join(fixture);
	harness_wait_until(fixture->harness, peer_has_ended, peers[LIMIT]);
	guest_prints(fixture, "all");
	for (int i = 0; i < LIMIT; i++)
		peer_expect(fixture->harness, peers[i], "all");
	for (int i = 0; i <= LIMIT; i++)
		peer_destroy(peers[i]);
}

static void without_an_inotify_instance_output_still_flows(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct rlimit before, tight;
	getrlimit(RLIMIT_NOFILE, &before);
	int fd = connect_tcp(console_port(fixture->console));
	struct peer *peer = peer_create(fixture->harness, fd, true);
	/* Room for the console's end of the connection, which takes the next descriptor, and nothing more. */
	tight = before;
	tight.rlim_cur = (rlim_t) dup(fd);
	close((int) tight.rlim_cur);
	tight.rlim_cur++;
	setrlimit(RLIMIT_NOFILE, &tight);
	harness_settle(fixture->harness, 30);
	guest_prints(fixture, "by the timer");
	peer_expect(fixture->harness, peer, "by the timer");
	assert_int_equal(inotify_instances(), 0);
	setrlimit(RLIMIT_NOFILE, &before);
	harness_settle(fixture->harness, 50);
	guest_prints(fixture, "by inotify");
	peer_expect(fixture->harness, peer, "by inotify");
	assert_int_equal(inotify_instances(), 1);
	peer_destroy(peer);
}

static void no_notifier_is_held_without_a_client(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	assert_int_equal(inotify_instances(), 0);
	struct peer *peer = join_at_live_end(fixture);
	assert_int_equal(inotify_instances(), 1);
	peer_destroy(peer);
	harness_wait_until(fixture->harness, has_no_inotify_instance, NULL);
}

/* ---- tcp: input ---- */

static void what_a_client_sends_reaches_the_guest(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct peer *first = join(fixture), *second = join(fixture);
	write_text(first->fd, "help\n");
	expect_guest_reads(fixture, "help\n");
	write_text(second->fd, "reboot\n");
	expect_guest_reads(fixture, "reboot\n");
	/* The last words of one that closes at once. */
	write_text(second->fd, "bye\n");
	peer_destroy(second);
	expect_guest_reads(fixture, "bye\n");
	peer_destroy(first);
}

struct typing {
	struct fixture *fixture;
	int fd;
	int64_t sent, received;
	bool intact;
};

static bool is_stuck_or_through(void *data)
{
	struct typing *typing = data;
	char bytes[8192];
	pattern_fill(bytes, sizeof(bytes), typing->sent, false);
	ssize_t count = send(typing->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	typing->sent += count > 0 ? count : 0;
	return count < 0 || typing->sent > 64 * MIB;
}

static bool guest_has_read_all(void *data)
{
	struct typing *typing = data;
	char bytes[8192];
	ssize_t count = read(typing->fixture->guest_input, bytes, sizeof(bytes));
	if (count > 0) {
		typing->intact &= pattern_matches(bytes, (size_t) count, typing->received, false);
		typing->received += count;
	}
	return typing->received >= typing->sent;
}

static void a_client_that_types_too_fast_waits_and_still_gets_output(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct peer *peer = join(fixture);
	struct typing typing = {.fixture = fixture, .fd = peer->fd, .intact = true};
	harness_wait_until(fixture->harness, is_stuck_or_through, &typing);
	assert_true(typing.sent < 64 * MIB);
	guest_prints(fixture, "busy");
	peer_expect(fixture->harness, peer, "busy");
	harness_wait_until(fixture->harness, guest_has_read_all, &typing);
	assert_true(typing.intact);
	assert_int_equal(typing.received, typing.sent);
	peer_destroy(peer);
}

static void a_console_may_go_while_clients_wait(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_TCP);
	struct peer *peer = join(fixture), *gone = join(fixture);
	struct typing typing = {.fixture = fixture, .fd = peer->fd};
	harness_wait_until(fixture->harness, is_stuck_or_through, &typing);
	write_text(gone->fd, "more");
	harness_settle(fixture->harness, 10);
	peer_destroy(gone);
	harness_settle(fixture->harness, 10);
	console_destroy(fixture->console);
	fixture->console = NULL;
	harness_wait_until(fixture->harness, peer_has_ended, peer);
	peer_destroy(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(files_are_fresh_and_private),
	    TEST(input_reaches_the_guest),
	    TEST(writers_are_served_whole_one_after_the_other),
	    TEST(a_guest_that_does_not_read_makes_writers_time_out),
	    TEST(draining_throws_away_what_waits),
	    TEST(destroying_completes_every_writer_once),
	    TEST(the_first_client_gets_everything),
	    TEST(the_next_client_goes_on_where_the_last_one_left),
	    TEST(one_that_joins_others_begins_at_the_live_end),
	    TEST(a_client_that_has_just_closed_is_no_company),
	    TEST(a_slow_client_lags_alone_and_gets_every_byte),
	    TEST(a_client_overtaken_by_the_window_goes_on_at_its_beginning),
	    TEST(clients_beyond_the_limit_are_closed),
	    TEST(without_an_inotify_instance_output_still_flows),
	    TEST(no_notifier_is_held_without_a_client),
	    TEST(what_a_client_sends_reaches_the_guest),
	    TEST(a_client_that_types_too_fast_waits_and_still_gets_output),
	    TEST(a_console_may_go_while_clients_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
