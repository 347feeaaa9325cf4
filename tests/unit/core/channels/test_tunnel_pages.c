/* A tunnel to an emulator that speaks HTTP, which its launcher connects. */

#include "harness.h"

#include "core/channels/tunnel.h"

struct fixture {
	struct harness *harness;
	struct tunnel *tunnel;
	struct peer *emulator; /* of the latest connection */
	int left;              /* how often a client went */
};

static int connect_emulator(const char *name, void *data, struct error *error)
{
	struct fixture *fixture = data;
	int pair[2];
	(void) error;
	assert_string_equal(name, "robot");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	fixture->emulator = peer_create(fixture->harness, pair[1], true);
	return pair[0];
}

static void on_left(const char *name, void *data)
{
	struct fixture *fixture = data;
	assert_string_equal(name, "robot");
	fixture->left++;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	const struct tunnel_options options = {.name = "robot",
					       .endpoint = CONSOLE_ENDPOINT_TCP,
					       .refuse_pages = true,
					       .dirfd = fixture->harness->dirfd,
					       .connect = connect_emulator,
					       .on_left = on_left,
					       .data = fixture};
	fixture->tunnel = tunnel_create(fixture->harness->loop, &options, NULL);
	*state = fixture;
	return fixture->tunnel ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	tunnel_destroy(fixture->tunnel);
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

static bool is_connected(void *data)
{
	const struct fixture *fixture = data;
	return fixture->emulator;
}

static bool has_left(void *data)
{
	const struct fixture *fixture = data;
	return fixture->left > 0;
}

static struct peer *join(struct fixture *fixture)
{
	fixture->emulator = NULL;
	struct peer *client = peer_create(fixture->harness, connect_tcp(tunnel_port(fixture->tunnel)), true);
	harness_wait_until(fixture->harness, is_connected, fixture);
	return client;
}

static void emulator_sees_the_end(struct fixture *fixture)
{
	harness_wait_until(fixture->harness, peer_has_ended, fixture->emulator);
	assert_int_equal(fixture->emulator->received.length, 0);
	peer_destroy(fixture->emulator);
}

static void a_program_gets_through(void **state)
{
	static const char line[] = "POST / HTTP/1.1\r\n";
	static const char rest[] = "Content-Length: 3\r\n\r\nabc";
	static const char request[] = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
	struct fixture *fixture = *state;
	struct peer *client = join(fixture);
	write_text(client->fd, line);
	harness_settle(fixture->harness, 20);
	assert_int_equal(fixture->emulator->received.length, 0);
	write_text(client->fd, rest);
	peer_expect(fixture->harness, fixture->emulator, request);
	write_text(fixture->emulator->fd, answer);
	peer_expect(fixture->harness, client, answer);
	write_text(client->fd, request);
	peer_expect(fixture->harness, fixture->emulator, request);
	peer_destroy(client);
	emulator_sees_the_end(fixture);
}

static void a_page_does_not(void **state)
{
	static const char *const requests[] = {
	    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	    "POST / HTTP/1.1\r\nOrigin: http://evil.example\r\nContent-Length: 1\r\n\r\nx",
	    "POST / HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 1\r\n\r\nx",
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct peer *page = join(fixture);
		write_text(page->fd, requests[i]);
		harness_wait_until(fixture->harness, peer_has_ended, page);
		emulator_sees_the_end(fixture);
		peer_destroy(page);
	}
}

static void headers_without_end_are_refused(void **state)
{
	char filler[1024];
	struct fixture *fixture = *state;
	struct peer *client = join(fixture);
	memset(filler, 'x', sizeof(filler));
	write_text(client->fd, "POST / HTTP/1.1\r\nX: ");
	for (int i = 0; i < 32; i++)
		send(client->fd, filler, sizeof(filler), MSG_NOSIGNAL);
	harness_wait_until(fixture->harness, peer_has_ended, client);
	emulator_sees_the_end(fixture);
	peer_destroy(client);
}

static void a_request_that_is_cut_short_goes_nowhere(void **state)
{
	struct fixture *fixture = *state;
	struct peer *client = join(fixture);
	write_text(client->fd, "POST / HTTP/1.1\r\nContent-Le");
	shutdown(client->fd, SHUT_WR);
	emulator_sees_the_end(fixture);
	peer_destroy(client);
}

static void it_is_told_when_a_client_has_gone(void **state)
{
	struct fixture *fixture = *state;
	struct peer *client = join(fixture);
	assert_int_equal(fixture->left, 0);
	peer_destroy(client);
	emulator_sees_the_end(fixture);
	harness_wait_until(fixture->harness, has_left, fixture);
	assert_int_equal(fixture->left, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_program_gets_through),
	    TEST(a_page_does_not),
	    TEST(headers_without_end_are_refused),
	    TEST(a_request_that_is_cut_short_goes_nowhere),
	    TEST(it_is_told_when_a_client_has_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
