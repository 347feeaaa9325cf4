#include "harness.h"

#include "server/http/sse.h"
#include "server/http/websocket.h"

#include <errno.h>

#define UPGRADE(path) \
	"GET " path \
	" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

#define GUEST_UPGRADE(path) \
	"GET " path \
	" HTTP/1.1\r\nHost: localhost\r\nX-Guest: 1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static bool are_guests_out;

struct socket_state {
	struct harness *harness;
	struct websocket *websocket;
	struct loop_timer *timer;
	bool is_flood;
	int sent;
};

static void on_message(struct websocket *websocket, bool is_text, const void *bytes, size_t length,
		       void *data)
{
	struct socket_state *state = data;
	if (is_text && length == 5 && memcmp(bytes, "close", 5) == 0) {
		websocket_close(websocket, 4001, "as you asked");
	} else if (is_text && length == 5 && memcmp(bytes, "pause", 5) == 0) {
		websocket_set_reading(websocket, false);
		websocket_send(websocket, true, "paused", 6);
		state->websocket = websocket;
		loop_timer_start(state->timer, 200);
	} else {
		websocket_send(websocket, is_text, bytes, length);
	}
}

/* Takes reading up again; what is sent here comes before any echo of what was held back. */
static void on_pause_over(void *data)
{
	struct socket_state *state = data;
	websocket_send(state->websocket, true, "go on", 5);
	websocket_set_reading(state->websocket, true);
}

/* Fills the queue to its cap, then goes on when there is room. */
static void flood(struct websocket *websocket, struct socket_state *state)
{
	static const char block[32 * 1024];
	int result = 0;
	while (result == 0 && state->sent < 400) {
		result = websocket_send(websocket, false, block, sizeof(block));
		state->sent++;
	}
	if (result == -EAGAIN)
		notify(state->harness, 'f');
	if (state->sent == 400)
		websocket_close(websocket, 1000, NULL);
}

static void on_open(struct websocket *websocket, void *data)
{
	struct socket_state *state = data;
	if (state->is_flood)
		flood(websocket, state);
	else
		websocket_send(websocket, true, "hi", 2);
}

static void on_writable(struct websocket *websocket, void *data)
{
	flood(websocket, data);
}

static void on_closed(struct websocket *websocket, unsigned code, void *data)
{
	struct socket_state *state = data;
	(void) websocket;
	notify(state->harness, code == 1000 ? 'n' : code == 1006 ? 'x' : code == 1001 ? 's' : 'c');
	loop_timer_destroy(state->timer);
	free(state);
}

static void open_socket(struct request *request, void *app, bool is_flood)
{
	static const struct websocket_events events = {on_open, on_message, on_writable, on_closed};
	if (!request_is_websocket(request)) {
		reply_problem(request, "upgrade_required", "this is a WebSocket");
		return;
	}
	struct socket_state *state = calloc(1, sizeof(*state));
	*state = (struct socket_state){.harness = app, .is_flood = is_flood};
	state->timer = loop_timer_create(request_loop(request), on_pause_over, state, NULL);
	reply_websocket(request, &events, 1000, state);
}

static void get_echo(struct request *request, void *app)
{
	open_socket(request, app, false);
}

static void get_flood(struct request *request, void *app)
{
	open_socket(request, app, true);
}

static void on_sse_closed(void *data)
{
	notify(data, 'e');
}

static void get_events(struct request *request, void *app)
{
	static const struct sse_events events = {.on_closed = on_sse_closed};
	struct sse *sse = sse_create(request, 1500, &events, app);
	json_t *data = json_pack("{ss}", "text", "a\nb");
	assert_int_equal(sse_send(sse, "instance.state", "7", data), 0);
	assert_int_equal(sse_send(sse, "bad\nevent", NULL, data), -EINVAL);
	json_decref(data);
	if (!request_header(request, "X-Endless"))
		sse_end(sse);
}

/* Guests are let in until this; who is in is judged again when the server is told to. */
static void shut_guests_out(struct request *request, void *app)
{
	struct harness *harness = app;
	are_guests_out = true;
	http_server_judge_again(harness->server);
	reply_empty(request, 204);
}

static void get_late_echo(struct request *request, void *app)
{
	are_guests_out = true;
	open_socket(request, app, false);
}

static const struct route routes[] = {
    {"POST", "/shut", shut_guests_out, BODY_NONE, NULL, "shut", 0, 0},
    {"GET", "/late", get_late_echo, BODY_NONE, NULL, "getLateEcho", 0, 0},
    {"GET", "/echo", get_echo, BODY_NONE, NULL, "getEcho", 0, 0},
    {"GET", "/flood", get_flood, BODY_NONE, NULL, "getFlood", 0, 0},
    {"GET", "/events", get_events, BODY_NONE, NULL, "getEvents", 0, 0},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static int admit(struct request *request, struct error *error, void *data)
{
	(void) data;
	if (request_header(request, "Origin"))
		return error_set(error, -EACCES, "origin_not_allowed", "not from there");
	return 0;
}

static int admits_still(const struct request *request, struct error *error, void *data)
{
	(void) data;
	if (are_guests_out && request_header(request, "X-Guest"))
		return error_set(error, -EACCES, "unauthorized", "no guests any more");
	return 0;
}

static struct harness harness;

static int set_up(void **state)
{
	(void) state;
	are_guests_out = false;
	harness_start(&harness, routes, (struct http_gate){.admit = admit, .admits_still = admits_still}, 60);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	harness_stop(&harness);
	return 0;
}

/* ---- frames of the client ---- */

static void send_frame(int fd, unsigned char first, const void *payload, size_t length)
{
	unsigned char frame[256] = {first, (unsigned char) (0x80 | length), 1, 2, 3, 4};
	for (size_t i = 0; i < length; i++)
		frame[6 + i] = ((const unsigned char *) payload)[i] ^ frame[2 + i % 4];
	client_send(fd, frame, 6 + length);
}

static size_t read_exactly(int fd, void *out, size_t length)
{
	size_t done = 0;
	while (done < length) {
		ssize_t count = recv(fd, (char *) out + done, length - done, 0);
		if (count <= 0)
			break;
		done += (size_t) count;
	}
	return done;
}

struct frame {
	unsigned char first;
	size_t length;
	char payload[64 * 1024];
};

static bool read_frame(int fd, struct frame *frame)
{
	unsigned char head[2], longer[8];
	if (read_exactly(fd, head, 2) != 2)
		return false;
	frame->first = head[0];
	frame->length = head[1];
	if (head[1] == 126) {
		assert_int_equal(read_exactly(fd, longer, 2), 2);
		frame->length = (size_t) longer[0] << 8 | longer[1];
	}
	assert_true(head[1] <= 126 && frame->length < sizeof(frame->payload));
	if (read_exactly(fd, frame->payload, frame->length) != frame->length)
		return false;
	frame->payload[frame->length] = '\0';
	return true;
}

static void expect_frame(int fd, unsigned char first, const char *payload)
{
	static struct frame frame;
	assert_true(read_frame(fd, &frame));
	assert_int_equal(frame.first, first);
	assert_string_equal(frame.payload, payload);
}

static void expect_close(int fd, unsigned code)
{
	static struct frame frame;
	assert_true(read_frame(fd, &frame));
	assert_int_equal(frame.first, 0x88);
	assert_true(frame.length >= 2);
	assert_int_equal((unsigned char) frame.payload[0] << 8 | (unsigned char) frame.payload[1], code);
}

/* With a word of why. Answers it, as a client does. */
static void expect_refusal(int fd)
{
	static struct frame frame;
	assert_true(read_frame(fd, &frame));
	assert_int_equal(frame.first, 0x88);
	assert_memory_equal(frame.payload, "\x03\xf0", 2);
	assert_string_equal(frame.payload + 2, "no guests any more");
	send_frame(fd, 0x88, frame.payload, 2);
	assert_true(client_is_closed(fd));
	expect_notice(&harness, 'c');
	close(fd);
}

static int open_client(const char *request)
{
	int fd = client_connect(&harness);
	client_send_text(fd, request);
	struct response response = client_read(fd);
	assert_int_equal(response.status, 101);
	assert_true(head_has(&response, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_true(head_has(&response, "Upgrade: websocket\r\n"));
	assert_true(head_has(&response, "X-Request-Id: "));
	return fd;
}

/* ---- tests ---- */

static void test_echo_ping_and_close_by_the_client(void **state)
{
	(void) state;
	int fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	send_frame(fd, 0x82, "bytes", 5);
	expect_frame(fd, 0x82, "bytes");
	send_frame(fd, 0x01, "one ", 4);
	send_frame(fd, 0x89, "beat", 4);
	send_frame(fd, 0x80, "two", 3);
	expect_frame(fd, 0x8a, "beat");
	expect_frame(fd, 0x81, "one two");
	send_frame(fd, 0x88, "\x03\xe8", 2);
	expect_close(fd, 1000);
	assert_true(client_is_closed(fd));
	expect_notice(&harness, 'n');
	close(fd);
}

static void test_close_by_the_server_waits_for_the_answer(void **state)
{
	(void) state;
	int fd = open_client(UPGRADE("/v1/echo"));
	expect_frame(fd, 0x81, "hi");
	send_frame(fd, 0x81, "close", 5);
	static struct frame frame;
	assert_true(read_frame(fd, &frame));
	assert_int_equal(frame.first, 0x88);
	assert_string_equal(frame.payload + 2, "as you asked");
	send_frame(fd, 0x88, frame.payload, 2);
	assert_true(client_is_closed(fd));
	expect_notice(&harness, 'c');
	close(fd);
}

static void test_frame_sent_with_the_handshake_is_not_lost(void **state)
{
	(void) state;
	static const char request[] = UPGRADE("/echo");
	char bytes[sizeof(request) + 8];
	static const unsigned char frame[] = {0x81, 0x82, 0, 0, 0, 0, 'o', 'k'};
	memcpy(bytes, request, sizeof(request) - 1);
	memcpy(bytes + sizeof(request) - 1, frame, sizeof(frame));
	int fd = client_connect(&harness);
	client_send(fd, bytes, sizeof(request) - 1 + sizeof(frame));
	assert_int_equal(client_read(fd).status, 101);
	expect_frame(fd, 0x81, "hi");
	expect_frame(fd, 0x81, "ok");
	close(fd);
	expect_notice(&harness, 'x');
}

static void test_protocol_faults_are_told_by_their_code(void **state)
{
	(void) state;
	static const unsigned char unmasked[] = {0x81, 0x02, 'n', 'o'};
	int fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	client_send(fd, unmasked, sizeof(unmasked));
	expect_close(fd, 1002);
	assert_true(client_is_closed(fd));
	expect_notice(&harness, 'c');
	close(fd);

	fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	send_frame(fd, 0x81, "\xff", 1);
	expect_close(fd, 1007);
	expect_notice(&harness, 'c');
	close(fd);

	static const unsigned char large[] = {0x82, 0xfe, 0x03, 0xe9, 0, 0, 0, 0, 'x'};
	fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	client_send(fd, large, sizeof(large));
	expect_close(fd, 1009);
	expect_notice(&harness, 'c');
	close(fd);
}

static void test_queue_is_capped_and_resumed_for_a_slow_client(void **state)
{
	(void) state;
	int fd = open_client(UPGRADE("/flood"));
	expect_notice(&harness, 'f'); /* the cap was reached while nobody read */
	static struct frame frame;
	size_t bytes = 0;
	while (read_frame(fd, &frame) && frame.first == 0x82)
		bytes += frame.length;
	assert_int_equal(bytes, 400 * 32 * 1024);
	assert_int_equal(frame.first, 0x88);
	close(fd);
}

static void test_paused_reading_holds_messages_back(void **state)
{
	(void) state;
	int fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	send_frame(fd, 0x81, "pause", 5);
	expect_frame(fd, 0x81, "paused");
	send_frame(fd, 0x81, "held", 4);
	expect_frame(fd, 0x81, "go on");
	expect_frame(fd, 0x81, "held");
	close(fd);
	expect_notice(&harness, 'x');
}

static void test_bad_handshakes_are_refused(void **state)
{
	(void) state;
	struct response response = exchange(&harness, "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(response.status, 426);
	assert_true(head_has(&response, "Sec-WebSocket-Version: 13\r\n"));
	response = exchange(&harness, "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
				      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: short\r\n\r\n");
	assert_int_equal(response.status, 426);
	response = exchange(&harness, "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
				      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				      "Origin: http://evil.example\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	assert_int_equal(response.status, 403);
}

static void test_stop_closes_sockets_with_going_away(void **state)
{
	(void) state;
	int fd = open_client(UPGRADE("/echo"));
	expect_frame(fd, 0x81, "hi");
	harness_stop_server(&harness);
	expect_close(fd, 1001);
	expect_notice(&harness, 's');
	close(fd);
}

static void test_events_are_framed(void **state)
{
	(void) state;
	struct response response = exchange(&harness, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(head_has(&response, "Content-Type: text/event-stream\r\n"));
	assert_non_null(strstr(response.body, "retry: 1500\n\nevent: instance.state\nid: 7\n"
					      "data: {\"text\":\"a\\nb\"}\n\n"));
	expect_notice(&harness, 'e');
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /events HTTP/1.1\r\nHost: localhost\r\nX-Endless: 1\r\n\r\n");
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
	expect_notice(&harness, 'e');
}

static void test_who_would_not_be_let_in_now_is_put_out(void **state)
{
	(void) state;
	int stays = open_client(UPGRADE("/echo")), guest = open_client(GUEST_UPGRADE("/echo"));
	expect_frame(stays, 0x81, "hi");
	expect_frame(guest, 0x81, "hi");
	int stream = client_connect(&harness);
	client_send_text(stream,
			 "GET /events HTTP/1.1\r\nHost: localhost\r\nX-Guest: 1\r\nX-Endless: 1\r\n\r\n");
	char came[1];
	assert_int_equal(read_exactly(stream, came, 1), 1);
	assert_int_equal(exchange(&harness, "POST /shut HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 204);
	/* What it sends now reaches nobody. */
	send_frame(guest, 0x81, "late", 4);
	while (read_exactly(stream, came, 1))
		;
	expect_notice(&harness, 'e');
	close(stream);
	expect_refusal(guest);
	send_frame(stays, 0x81, "here", 4);
	expect_frame(stays, 0x81, "here");
	close(stays);
}

static void test_who_is_out_before_the_upgrade_is_told_nothing_else(void **state)
{
	(void) state;
	int guest = open_client(GUEST_UPGRADE("/late"));
	expect_refusal(guest);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_echo_ping_and_close_by_the_client),
	    TEST(test_close_by_the_server_waits_for_the_answer),
	    TEST(test_frame_sent_with_the_handshake_is_not_lost),
	    TEST(test_protocol_faults_are_told_by_their_code),
	    TEST(test_queue_is_capped_and_resumed_for_a_slow_client),
	    TEST(test_paused_reading_holds_messages_back),
	    TEST(test_bad_handshakes_are_refused),
	    TEST(test_who_would_not_be_let_in_now_is_put_out),
	    TEST(test_who_is_out_before_the_upgrade_is_told_nothing_else),
	    TEST(test_stop_closes_sockets_with_going_away),
	    TEST(test_events_are_framed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
