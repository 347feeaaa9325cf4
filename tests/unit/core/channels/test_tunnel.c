#include "harness.h"

#include "core/base/cleanup.h"
#include "core/channels/pty.h"
#include "core/channels/tunnel.h"
#include "core/loop/listener.h"

#include <termios.h>

struct fixture {
	struct harness *harness;
	struct tunnel *tunnel;
	int listening_fd; /* the emulator's */
	struct peer *emulator;
};

/* ---- the emulator ---- */

static bool accept_connection(void *data)
{
	struct fixture *fixture = data;
	int fd = fixture->emulator ? -1 : accept4(fixture->listening_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		fixture->emulator = peer_create(fixture->harness, fd, true);
	return fixture->emulator;
}

static void expect_connection(struct fixture *fixture)
{
	harness_wait_until(fixture->harness, accept_connection, fixture);
}

static void expect_no_connection(struct fixture *fixture)
{
	assert_false(harness_wait_ms(fixture->harness, accept_connection, fixture, 30));
}

static void emulator_closes(struct fixture *fixture)
{
	peer_destroy(fixture->emulator);
	fixture->emulator = NULL;
}

static void emulator_sees_the_end(struct fixture *fixture)
{
	harness_wait_until(fixture->harness, peer_has_ended, fixture->emulator);
	assert_int_equal(fixture->emulator->received.length, 0);
	emulator_closes(fixture);
}

static void emulator_is_gone(struct fixture *fixture)
{
	close(fixture->listening_fd);
	fixture->listening_fd = -1;
	unlinkat(fixture->harness->dirfd, "mon.sock", 0);
}

static void emulator_is_back(struct fixture *fixture)
{
	fixture->listening_fd = listener_open_unix(fixture->harness->dirfd, "mon.sock", NULL);
	assert_true(fixture->listening_fd >= 0);
}

/* ---- the tunnel ---- */

static void start(struct fixture *fixture, enum console_endpoint endpoint, bool refuse_http)
{
	const struct tunnel_options options = {
	    .name = "monitor",
	    .endpoint = endpoint,
	    .refuse_http = refuse_http,
	    .dirfd = fixture->harness->dirfd,
	    .socket_name = "mon.sock",
	};
	fixture->tunnel = tunnel_create(fixture->harness->loop, &options, NULL);
	assert_non_null(fixture->tunnel);
	assert_string_equal(tunnel_name(fixture->tunnel), "monitor");
}

static struct peer *join(struct fixture *fixture)
{
	return peer_create(fixture->harness, connect_tcp(tunnel_port(fixture->tunnel)), true);
}

static bool is_free(void *data)
{
	struct fixture *fixture = data;
	bool free_place = tunnel_claim(fixture->tunnel, NULL) == 0;
	if (free_place)
		tunnel_release(fixture->tunnel);
	return free_place;
}

static void expect_free_place(struct fixture *fixture)
{
	harness_wait_until(fixture->harness, is_free, fixture);
}

/* ---- tcp ---- */

static void bytes_go_both_ways(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	write_text(fixture->emulator->fd, "(qemu) ");
	peer_expect(fixture->harness, client, "(qemu) ");
	write_text(client->fd, "GET info\n");
	peer_expect(fixture->harness, fixture->emulator, "GET info\n");
	peer_destroy(client);
	emulator_sees_the_end(fixture);
}

static void a_second_client_is_refused_at_once(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	struct peer *first = join(fixture);
	expect_connection(fixture);
	struct peer *second = join(fixture);
	harness_wait_until(fixture->harness, peer_has_ended, second);
	assert_int_equal(second->received.length, 0);
	write_text(first->fd, "still here");
	peer_expect(fixture->harness, fixture->emulator, "still here");
	peer_destroy(first);
	peer_destroy(second);
	emulator_sees_the_end(fixture);
	struct peer *third = join(fixture);
	expect_connection(fixture);
	peer_destroy(third);
}

static void a_client_without_an_emulator_is_closed(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	emulator_is_gone(fixture);
	struct peer *client = join(fixture);
	harness_wait_until(fixture->harness, peer_has_ended, client);
	peer_destroy(client);
	expect_free_place(fixture);
}

static void what_looks_like_http_is_refused(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, true);
	struct peer *page = join(fixture);
	expect_connection(fixture);
	write_text(page->fd, "PO");
	harness_settle(fixture->harness, 20);
	write_text(page->fd, "ST / HTTP/1.1\r\n\r\nquit\n");
	harness_wait_until(fixture->harness, peer_has_ended, page);
	emulator_sees_the_end(fixture);
	peer_destroy(page);
}

static void held_bytes_go_on_once_they_cannot_be_http(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, true);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	write_text(fixture->emulator->fd, "greeting");
	peer_expect(fixture->harness, client, "greeting");
	write_text(client->fd, "PR");
	harness_settle(fixture->harness, 20);
	assert_int_equal(fixture->emulator->received.length, 0);
	write_text(client->fd, "INT\n");
	peer_expect(fixture->harness, fixture->emulator, "PRINT\n");
	/* Later ones are no longer judged. */
	write_text(client->fd, "GET / HTTP/1.1\r\n");
	peer_expect(fixture->harness, fixture->emulator, "GET / HTTP/1.1\r\n");
	peer_destroy(client);
}

static void held_bytes_of_a_client_that_ends_still_arrive(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, true);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	write_text(client->fd, "GE");
	shutdown(client->fd, SHUT_WR);
	peer_expect(fixture->harness, fixture->emulator, "GE");
	peer_destroy(client);
}

static void a_client_that_closes_half_gets_the_answer(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, true);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	write_text(client->fd, "info status\n");
	shutdown(client->fd, SHUT_WR);
	peer_expect(fixture->harness, fixture->emulator, "info status\n");
	harness_wait_until(fixture->harness, peer_has_ended, fixture->emulator);
	write_text(fixture->emulator->fd, "running\n");
	emulator_closes(fixture);
	peer_expect(fixture->harness, client, "running\n");
	harness_wait_until(fixture->harness, peer_has_ended, client);
	peer_destroy(client);
}

static void the_emulators_last_words_arrive_before_the_end(void **state)
{
	enum { LENGTH = 300000 };
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	char *bytes = malloc(LENGTH);
	pattern_fill(bytes, LENGTH, 0, true);
	int room = 2 * LENGTH;
	setsockopt(fixture->emulator->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	ssize_t sent = write(fixture->emulator->fd, bytes, LENGTH);
	assert_true(sent > 0);
	emulator_closes(fixture);
	harness_wait_until(fixture->harness, peer_has_ended, client);
	assert_int_equal(client->received.length, sent);
	assert_memory_equal(client->received.data, bytes, (size_t) sent);
	free(bytes);
	peer_destroy(client);
	expect_free_place(fixture);
}

struct pouring {
	int fd;
	size_t sent;
};

static bool is_stuck(void *data)
{
	struct pouring *pouring = data;
	char bytes[8192];
	pattern_fill(bytes, sizeof(bytes), (int64_t) pouring->sent, true);
	ssize_t count = send(pouring->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	pouring->sent += count > 0 ? (size_t) count : 0;
	return count < 0 || pouring->sent > 64 * 1024 * 1024;
}

static void a_reader_that_stops_holds_the_writer_back(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	struct peer *client = peer_create(fixture->harness, connect_tcp(tunnel_port(fixture->tunnel)), false);
	expect_connection(fixture);
	struct pouring pouring = {.fd = fixture->emulator->fd};
	harness_wait_until(fixture->harness, is_stuck, &pouring);
	assert_true(pouring.sent < 64 * 1024 * 1024);
	loop_watch_set(client->watch, LOOP_READABLE);
	client->wanted = pouring.sent;
	harness_wait_until(fixture->harness, peer_has_wanted, client);
	assert_int_equal(client->received.length, pouring.sent);
	assert_true(pattern_matches(client->received.data, pouring.sent, 0, true));
	peer_destroy(client);
}

/* ---- the place ---- */

static void a_claim_keeps_clients_out(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	assert_int_equal(tunnel_claim(fixture->tunnel, NULL), 0);
	assert_int_equal(tunnel_claim(fixture->tunnel, &error), -EBUSY);
	assert_string_equal(error.code, "channel_busy");
	struct peer *refused = join(fixture);
	harness_wait_until(fixture->harness, peer_has_ended, refused);
	tunnel_release(fixture->tunnel);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	assert_int_equal(tunnel_claim(fixture->tunnel, NULL), -EBUSY);
	peer_destroy(client);
	emulator_sees_the_end(fixture);
	expect_free_place(fixture);
	peer_destroy(refused);
}

static void a_descriptor_is_attached_with_its_first_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	int pair[2], other[2];
	start(fixture, CONSOLE_ENDPOINT_NONE, true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, other), 0);
	assert_int_equal(tunnel_attach(fixture->tunnel, pair[0], "first ", 6, NULL), 0);
	write_text(pair[0], "answer\n");
	assert_int_equal(tunnel_attach(fixture->tunnel, other[0], NULL, 0, &error), -EBUSY);
	assert_string_equal(error.code, "channel_busy");
	assert_true(fcntl(other[0], F_GETFD) >= 0);
	struct peer *client = peer_create(fixture->harness, pair[1], true);
	expect_connection(fixture);
	write_text(fixture->emulator->fd, "hello");
	peer_expect(fixture->harness, client, "answer\nhello");
	write_text(client->fd, "second");
	peer_expect(fixture->harness, fixture->emulator, "first second");
	peer_destroy(client);
	emulator_sees_the_end(fixture);
	emulator_is_gone(fixture);
	assert_true(tunnel_attach(fixture->tunnel, other[0], NULL, 0, &error) < 0);
	close(other[0]);
	close(other[1]);
}

static void an_attached_descriptor_takes_the_claim_over(void **state)
{
	struct fixture *fixture = *state;
	int pair[2];
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	assert_int_equal(tunnel_claim(fixture->tunnel, NULL), 0);
	int user = openat(fixture->harness->dirfd, "monitor", O_RDWR | O_NOCTTY | O_CLOEXEC);
	expect_no_connection(fixture);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	/* A failure leaves claim and descriptor where they were. */
	emulator_is_gone(fixture);
	assert_true(tunnel_attach(fixture->tunnel, pair[0], NULL, 0, NULL) < 0);
	assert_int_equal(tunnel_claim(fixture->tunnel, NULL), -EBUSY);
	emulator_is_back(fixture);
	assert_int_equal(tunnel_attach(fixture->tunnel, pair[0], NULL, 0, NULL), 0);
	struct peer *client = peer_create(fixture->harness, pair[1], true);
	expect_connection(fixture);
	write_text(client->fd, "emud");
	peer_expect(fixture->harness, fixture->emulator, "emud");
	peer_destroy(client);
	emulator_sees_the_end(fixture);
	/* Now it is the pty's turn, which has waited. */
	expect_connection(fixture);
	close(user);
	emulator_sees_the_end(fixture);
	expect_free_place(fixture);
}

static void destroying_ends_both_sides(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_TCP, false);
	struct peer *client = join(fixture);
	expect_connection(fixture);
	tunnel_destroy(fixture->tunnel);
	fixture->tunnel = NULL;
	harness_wait_until(fixture->harness, peer_has_ended, client);
	emulator_sees_the_end(fixture);
	peer_destroy(client);
}

/* ---- pty ---- */

static struct peer *open_pty(struct fixture *fixture)
{
	int fd = openat(fixture->harness->dirfd, "monitor", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return peer_create(fixture->harness, fd, true);
}

static void a_pty_is_connected_while_it_is_open(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	for (int i = 0; i < 5; i++) {
		expect_no_connection(fixture);
		struct peer *user = open_pty(fixture);
		expect_connection(fixture);
		write_text(fixture->emulator->fd, "greeting\n");
		peer_expect(fixture->harness, user, "greeting\n");
		write_text(user->fd, "quit\n");
		peer_expect(fixture->harness, fixture->emulator, "quit\n");
		/* Nobody reads this, and the next user must not either. */
		write_text(fixture->emulator->fd, "unread");
		harness_settle(fixture->harness, 10);
		peer_destroy(user);
		emulator_sees_the_end(fixture);
	}
}

static void a_pty_stays_raw_between_users(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	for (int i = 0; i < 2; i++) {
		struct termios mode;
		struct peer *user = open_pty(fixture);
		assert_int_equal(tcgetattr(user->fd, &mode), 0);
		assert_int_equal(mode.c_lflag & (ECHO | ICANON | ISIG), 0);
		expect_connection(fixture);
		peer_destroy(user);
		emulator_sees_the_end(fixture);
	}
}

static void a_pty_waits_while_another_has_the_place(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	assert_int_equal(tunnel_claim(fixture->tunnel, NULL), 0);
	struct peer *user = open_pty(fixture);
	write_text(user->fd, "typed");
	expect_no_connection(fixture);
	tunnel_release(fixture->tunnel);
	expect_connection(fixture);
	peer_expect(fixture->harness, fixture->emulator, "typed");
	peer_destroy(user);
}

static void a_pty_user_whom_the_emulator_left_is_connected_by_typing(void **state)
{
	struct fixture *fixture = *state;
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	struct peer *user = open_pty(fixture);
	expect_connection(fixture);
	emulator_closes(fixture);
	expect_no_connection(fixture);
	write_text(user->fd, "again");
	expect_connection(fixture);
	peer_expect(fixture->harness, fixture->emulator, "again");
	/* And when there is no emulator for a while. */
	emulator_is_gone(fixture);
	emulator_closes(fixture);
	harness_settle(fixture->harness, 200);
	write_text(user->fd, "lost");
	harness_settle(fixture->harness, 200);
	emulator_is_back(fixture);
	expect_no_connection(fixture);
	write_text(user->fd, "back");
	expect_connection(fixture);
	peer_expect(fixture->harness, fixture->emulator, "back");
	peer_destroy(user);
	emulator_sees_the_end(fixture);
}

static void the_symlink_goes_with_the_tunnel(void **state)
{
	struct fixture *fixture = *state;
	char target[64] = "";
	start(fixture, CONSOLE_ENDPOINT_PTY, false);
	assert_true(readlinkat(fixture->harness->dirfd, "monitor", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, tunnel_pty_path(fixture->tunnel));
	tunnel_destroy(fixture->tunnel);
	fixture->tunnel = NULL;
	assert_int_equal(readlinkat(fixture->harness->dirfd, "monitor", target, sizeof(target)), -1);
}

/* ---- an emulator that offers the channel on a pty of its own ---- */

static int open_slave(const char *name, void *data, struct error *error)
{
	(void) error;
	const struct pty *pty = data;
	assert_string_equal(name, "monitor");
	return open(pty->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

static void a_client_that_goes_frees_an_emulators_pty(void **state)
{
	struct fixture *fixture = *state;
	struct pty pty;
	int pair[2];
	assert_int_equal(pty_open(&pty, NULL), 0);
	const struct tunnel_options options = {.name = "monitor",
					       .endpoint = CONSOLE_ENDPOINT_NONE,
					       .dirfd = fixture->harness->dirfd,
					       .connect = open_slave,
					       .data = &pty};
	fixture->tunnel = tunnel_create(fixture->harness->loop, &options, NULL);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(tunnel_attach(fixture->tunnel, pair[0], NULL, 0, NULL), 0);
		struct peer *client = peer_create(fixture->harness, pair[1], true);
		write_text(pty.master, "(qemu) ");
		peer_expect(fixture->harness, client, "(qemu) ");
		peer_destroy(client);
		expect_free_place(fixture);
	}
	tunnel_destroy(TAKE(fixture->tunnel));
	pty_close(&pty);
}

static void detaching_frees_the_place_at_once(void **state)
{
	struct fixture *fixture = *state;
	int pair[2];
	start(fixture, CONSOLE_ENDPOINT_NONE, false);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(tunnel_attach(fixture->tunnel, pair[0], NULL, 0, NULL), 0);
	struct peer *client = peer_create(fixture->harness, pair[1], true);
	tunnel_detach(fixture->tunnel);
	assert_true(is_free(fixture));
	harness_wait_until(fixture->harness, peer_has_ended, client);
	tunnel_detach(fixture->tunnel);
	assert_true(is_free(fixture));
	peer_destroy(client);
}

/* ---- */

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	emulator_is_back(fixture);
	*state = fixture;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;
	tunnel_destroy(fixture->tunnel);
	if (fixture->emulator)
		peer_destroy(fixture->emulator);
	if (fixture->listening_fd >= 0)
		close(fixture->listening_fd);
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(bytes_go_both_ways),
	    TEST(a_second_client_is_refused_at_once),
	    TEST(a_client_without_an_emulator_is_closed),
	    TEST(what_looks_like_http_is_refused),
	    TEST(held_bytes_go_on_once_they_cannot_be_http),
	    TEST(held_bytes_of_a_client_that_ends_still_arrive),
	    TEST(a_client_that_closes_half_gets_the_answer),
	    TEST(the_emulators_last_words_arrive_before_the_end),
	    TEST(a_reader_that_stops_holds_the_writer_back),
	    TEST(a_claim_keeps_clients_out),
	    TEST(a_descriptor_is_attached_with_its_first_bytes),
	    TEST(an_attached_descriptor_takes_the_claim_over),
	    TEST(destroying_ends_both_sides),
	    TEST(a_pty_is_connected_while_it_is_open),
	    TEST(a_pty_stays_raw_between_users),
	    TEST(a_pty_waits_while_another_has_the_place),
	    TEST(a_pty_user_whom_the_emulator_left_is_connected_by_typing),
	    TEST(the_symlink_goes_with_the_tunnel),
	    TEST(a_client_that_goes_frees_an_emulators_pty),
	    TEST(detaching_frees_the_place_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
