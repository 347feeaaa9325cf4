#include "harness.h"

#include "core/base/clock.h"
#include "server/http/sse.h"
#include "server/http/websocket.h"

enum { HEARTBEAT_MS = 100 };

#define HEAD "Host: localhost\r\n"
#define UPGRADE \
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void on_sse_closed(void *data)
{
	notify(data, 'e');
}

static void get_events(struct request *request, void *app)
{
	static const struct sse_events events = {.on_closed = on_sse_closed};
	sse_create(request, 1500, &events, app);
}

static void on_message(struct websocket *websocket, bool is_text, const void *bytes, size_t length,
		       void *data)
{
	(void) data;
	websocket_send(websocket, is_text, bytes, length);
}

static void on_websocket_closed(struct websocket *websocket, unsigned code, void *data)
{
	(void) websocket;
	(void) code;
	notify(data, 'w');
}

static void hold_back(struct websocket *websocket, void *data)
{
	(void) data;
	websocket_set_reading(websocket, false);
}

static void get_echo(struct request *request, void *app)
{
	static const struct websocket_events events = {.on_message = on_message,
						       .on_closed = on_websocket_closed};
	reply_websocket(request, &events, 1000, app);
}

static void get_deaf(struct request *request, void *app)
{
	static const struct websocket_events events = {
	    .on_open = hold_back, .on_message = on_message, .on_closed = on_websocket_closed};
	reply_websocket(request, &events, 1000, app);
}

static const struct route routes[] = {
    {"GET", "/events", get_events, BODY_NONE, NULL, "getEvents", 0, 0},
    {"GET", "/echo", get_echo, BODY_NONE, NULL, "getEcho", 0, 0},
    {"GET", "/deaf", get_deaf, BODY_NONE, NULL, "getDeaf", 0, 0},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static struct harness harness;

static int set_up(void **state)
{
	(void) state;
	harness.heartbeat_ms = HEARTBEAT_MS;
	harness_start(&harness, routes, (struct http_gate){0}, 60);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	harness_stop(&harness);
	return 0;
}

/* Reads until the text has come. */
static void read_until(int fd, const char *text)
{
	char bytes[4096] = "";
	for (size_t length = 0; !strstr(bytes, text); length++) {
		assert_true(length + 1 < sizeof(bytes));
		assert_int_equal(recv(fd, bytes + length, 1, 0), 1);
	}
}

static int open_socket(const char *path)
{
	int fd = client_connect(&harness);
	char request[512];
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HEAD UPGRADE, path);
	client_send_text(fd, request);
	assert_int_equal(client_read(fd).status, 101);
	return fd;
}

static void expect_bytes(int fd, const char *bytes, size_t length)
{
	char got[16];
	assert_int_equal(recv(fd, got, length, MSG_WAITALL), length);
	assert_memory_equal(got, bytes, length);
}

static void expect_ping(int fd)
{
	expect_bytes(fd, "\x89\x00", 2);
}

/* Pings may come in between. */
static void expect_echo(int fd)
{
	static const unsigned char hello[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i'};
	char head[2];
	client_send(fd, hello, sizeof(hello));
	do
		assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
	while (memcmp(head, "\x89\x00", sizeof(head)) == 0);
	assert_memory_equal(head, "\x81\x02", sizeof(head));
	expect_bytes(fd, "hi", 2);
}

static void test_an_idle_event_stream_beats(void **state)
{
	(void) state;
	int64_t start_ms = clock_monotonic_ms();
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /events HTTP/1.1\r\n" HEAD "\r\n");
	read_until(fd, "retry: 1500\n\n");
	for (int i = 0; i < 3; i++)
		read_until(fd, "\r\n3\r\n:\n\n");
	int64_t passed_ms = clock_monotonic_ms() - start_ms;
	/* Not sooner than it is to: a beat is a wake-up of somebody's machine. */
	assert_true(passed_ms >= 3 * HEARTBEAT_MS - 10);
	close(fd);
	expect_notice(&harness, 'e');
}

static void test_a_socket_that_answers_pings_stays(void **state)
{
	(void) state;
	static const unsigned char pong[] = {0x8a, 0x80, 0, 0, 0, 0};
	int64_t start_ms = clock_monotonic_ms();
	int fd = open_socket("/echo");
	for (int i = 0; i < 5; i++) {
		expect_ping(fd);
		client_send(fd, pong, sizeof(pong));
	}
	assert_true(clock_monotonic_ms() - start_ms >= 5 * HEARTBEAT_MS - 10);
	expect_echo(fd);
	close(fd);
	expect_notice(&harness, 'w');
}

static void test_whatever_a_client_says_is_an_answer(void **state)
{
	(void) state;
	int fd = open_socket("/echo");
	for (int i = 0; i < 4; i++) {
		expect_ping(fd);
		expect_echo(fd);
	}
	close(fd);
	expect_notice(&harness, 'w');
}

static void test_a_socket_that_leaves_two_pings_unanswered_is_closed(void **state)
{
	(void) state;
	int fd = open_socket("/echo");
	expect_ping(fd);
	expect_ping(fd);
	assert_true(client_is_closed(fd));
	expect_notice(&harness, 'w');
	close(fd);
}

/* Its answers are not read: that is not its fault. */
static void test_a_socket_that_is_not_read_from_is_not_given_up(void **state)
{
	(void) state;
	int fd = open_socket("/deaf");
	for (int i = 0; i < 5; i++)
		expect_ping(fd);
	close(fd);
	harness_stop_server(&harness);
	expect_notice(&harness, 'w');
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_an_idle_event_stream_beats),
	    TEST(test_a_socket_that_answers_pings_stays),
	    TEST(test_whatever_a_client_says_is_an_answer),
	    TEST(test_a_socket_that_leaves_two_pings_unanswered_is_closed),
	    TEST(test_a_socket_that_is_not_read_from_is_not_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
