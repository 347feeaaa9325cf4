#include "harness.h"

#include "core/channels/bridge.h"
#include "core/channels/console.h"

#include <signal.h>
#include <sys/mount.h>

enum { MIB = 1024 * 1024, FLOOD_BYTES = 3 * MIB };

struct fixture {
	struct harness *harness;
	struct console *console;
	struct bridge *bridge;
	int emulator_fd; /* the other end of the bridge's socket */
	size_t written;  /* of a flood */
	int64_t wanted;  /* size of the output that is waited for */
	bool ended;
	int end_number;
};

static void on_end(int number, void *data)
{
	struct fixture *fixture = data;
	assert_false(fixture->ended);
	fixture->ended = true;
	fixture->end_number = number;
}

static void join(struct fixture *fixture)
{
	struct error error = {0};
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fixture->emulator_fd = pair[1];
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	fixture->ended = false;
	fixture->bridge = bridge_create(fixture->harness->loop, pair[0], fixture->harness->dirfd, "uart",
					on_end, fixture, &error);
	assert_non_null(fixture->bridge);
}

static void make_console(struct fixture *fixture)
{
	fixture->console = console_create(fixture->harness->loop, NULL, fixture->harness->dirfd, "uart",
					  CONSOLE_ENDPOINT_NONE, NULL);
	assert_non_null(fixture->console);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	fixture->emulator_fd = -1;
	*state = fixture;
	return 0;
}

static void leave(struct fixture *fixture)
{
	bridge_destroy(fixture->bridge);
	fixture->bridge = NULL;
	if (fixture->emulator_fd >= 0)
		close(fixture->emulator_fd);
	fixture->emulator_fd = -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	leave(fixture);
	console_destroy(fixture->console);
	umount2(fixture->harness->path, MNT_DETACH); /* where a test failed on its small disk */
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

static int64_t output_size(const struct fixture *fixture)
{
	struct stat status;
	assert_int_equal(fstat(console_output_fd(fixture->console), &status), 0);
	return status.st_size;
}

static bool has_output(void *data)
{
	struct fixture *fixture = data;
	return output_size(fixture) >= fixture->wanted;
}

static bool has_ended(void *data)
{
	struct fixture *fixture = data;
	return fixture->ended;
}

static void expect_output(struct fixture *fixture, const char *text)
{
	char found[256];
	fixture->wanted = (int64_t) strlen(text);
	harness_wait_until(fixture->harness, has_output, fixture);
	assert_int_equal(output_size(fixture), strlen(text));
	assert_int_equal(pread(console_output_fd(fixture->console), found, sizeof(found), 0), strlen(text));
	assert_memory_equal(found, text, strlen(text));
}

static void expect_pattern(const struct fixture *fixture, size_t length)
{
	char *bytes = malloc(length);
	assert_int_equal(output_size(fixture), length);
	assert_int_equal(pread(console_output_fd(fixture->console), bytes, length, 0), length);
	assert_true(pattern_matches(bytes, length, 0, false));
	free(bytes);
}

/* Says as much of the pattern as the socket takes; true once all was said. */
static bool flood(void *data)
{
	struct fixture *fixture = data;
	char bytes[MIB / 64];
	while (fixture->written < FLOOD_BYTES) {
		size_t rest = FLOOD_BYTES - fixture->written;
		size_t length = rest < sizeof(bytes) ? rest : sizeof(bytes);
		pattern_fill(bytes, length, (int64_t) fixture->written, false);
		ssize_t count = write(fixture->emulator_fd, bytes, length);
		if (count <= 0)
			return false;
		fixture->written += (size_t) count;
	}
	return true;
}

static bool has_filled_the_disk(void *data)
{
	assert_false(flood(data));
	return output_size(data) == MIB;
}

static void on_written(size_t written, int number, void *data)
{
	(void) written;
	assert_true(number == 0 || number == -ECANCELED);
	(void) data;
}

static void write_input(struct fixture *fixture, const void *bytes, size_t length)
{
	assert_int_equal(
	    console_write(fixture->console, bytes, length, UINT64_MAX, on_written, fixture, NULL), 0);
}

static void output_is_kept_from_the_first_byte(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	write_text(fixture->emulator_fd, "boot\n");
	expect_output(fixture, "boot\n");
	write_text(fixture->emulator_fd, "ready\n");
	expect_output(fixture, "boot\nready\n");
}

static void input_reaches_the_emulator(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	struct peer *peer = peer_create(fixture->harness, dup(fixture->emulator_fd), true);
	write_input(fixture, "help\n", 5);
	peer_expect(fixture->harness, peer, "help\n");
	peer_destroy(peer);
}

static void an_end_is_told_behind_the_last_byte(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	harness_wait_until(fixture->harness, flood, fixture);
	close(fixture->emulator_fd);
	fixture->emulator_fd = -1;
	harness_wait_until(fixture->harness, has_ended, fixture);
	assert_int_equal(fixture->end_number, 0);
	expect_pattern(fixture, FLOOD_BYTES);
}

static void a_second_connection_goes_on_where_the_first_ended(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	write_text(fixture->emulator_fd, "one ");
	leave(fixture); /* which takes along what was said */
	join(fixture);
	write_text(fixture->emulator_fd, "two");
	expect_output(fixture, "one two");
}

static bool has_whole_input(void *data)
{
	const struct peer *peer = data;
	return peer->received.length >= FLOOD_BYTES;
}

static void an_emulator_that_reads_slowly_gets_all_the_input_and_loses_no_output(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	char *bytes = malloc(FLOOD_BYTES);
	pattern_fill(bytes, FLOOD_BYTES, 0, false);
	write_input(fixture, bytes, FLOOD_BYTES);
	/* The input is stuck; the output flows nevertheless. */
	write_text(fixture->emulator_fd, "busy");
	expect_output(fixture, "busy");
	struct peer *peer = peer_create(fixture->harness, dup(fixture->emulator_fd), true);
	harness_wait_until(fixture->harness, has_whole_input, peer);
	assert_int_equal(peer->received.length, FLOOD_BYTES);
	assert_memory_equal(peer->received.data, bytes, FLOOD_BYTES);
	peer_destroy(peer);
	free(bytes);
}

static void dropped_input_does_not_come_later(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	char *bytes = malloc(FLOOD_BYTES);
	memset(bytes, 'x', FLOOD_BYTES);
	write_input(fixture, bytes, FLOOD_BYTES);
	harness_settle(fixture->harness, 50);
	console_drain_input(fixture->console);
	bridge_drop_input(fixture->bridge);
	/* What the socket took before is the emulator's. */
	while (read(fixture->emulator_fd, bytes, FLOOD_BYTES) > 0)
		;
	write_input(fixture, "new", 3);
	struct peer *peer = peer_create(fixture->harness, dup(fixture->emulator_fd), true);
	peer_expect(fixture->harness, peer, "new");
	peer_destroy(peer);
	free(bytes);
}

static void input_for_an_emulator_that_has_gone_harms_nothing(void **state)
{
	struct fixture *fixture = *state;
	make_console(fixture);
	join(fixture);
	write_text(fixture->emulator_fd, "bye");
	close(fixture->emulator_fd);
	fixture->emulator_fd = -1;
	write_input(fixture, "hello?", 6);
	harness_wait_until(fixture->harness, has_ended, fixture);
	expect_output(fixture, "bye");
}

static void a_full_disk_stops_the_emulator_and_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	if (mount("tmpfs", fixture->harness->path, "tmpfs", 0, "size=1m,mode=700") < 0)
		skip();
	close(fixture->harness->dirfd);
	fixture->harness->dirfd = open(fixture->harness->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_console(fixture);
	join(fixture);
	harness_wait_until(fixture->harness, has_filled_the_disk, fixture);
	assert_true(fixture->written < FLOOD_BYTES);
	assert_int_equal(mount("tmpfs", fixture->harness->path, "tmpfs", MS_REMOUNT, "size=8m"), 0);
	harness_wait_until(fixture->harness, flood, fixture);
	close(fixture->emulator_fd);
	fixture->emulator_fd = -1;
	harness_wait_until(fixture->harness, has_ended, fixture);
	expect_pattern(fixture, FLOOD_BYTES);
	leave(fixture);
	console_destroy(fixture->console);
	fixture->console = NULL;
	close(fixture->harness->dirfd);
	assert_int_equal(umount2(fixture->harness->path, MNT_DETACH), 0);
	fixture->harness->dirfd = open(fixture->harness->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_console_that_is_not_there_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_null(bridge_create(fixture->harness->loop, pair[0], fixture->harness->dirfd, "uart", on_end,
				  fixture, &error));
	assert_non_null(strstr(error.message, "uart.out"));
	assert_int_equal(write(pair[1], "x", 1), -1);
	close(pair[1]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    TEST(output_is_kept_from_the_first_byte),
	    TEST(input_reaches_the_emulator),
	    TEST(an_end_is_told_behind_the_last_byte),
	    TEST(a_second_connection_goes_on_where_the_first_ended),
	    TEST(an_emulator_that_reads_slowly_gets_all_the_input_and_loses_no_output),
	    TEST(dropped_input_does_not_come_later),
	    TEST(input_for_an_emulator_that_has_gone_harms_nothing),
	    TEST(a_full_disk_stops_the_emulator_and_loses_nothing),
	    TEST(a_console_that_is_not_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
