#include "support.h"

static void test_client_that_leaves_a_waiting_request_is_noticed(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "GET /later?never HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&sample, 'w');
	close(fd);
	expect_notice(&sample, 'g');
	/* A pipelined request must not hide it. */
	fd = client_connect(&sample);
	client_send_text(fd, "GET /later?never HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&sample, 'w');
	close(fd);
	expect_notice(&sample, 'g');
}

static void test_stream_flows_and_ends(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	for (int i = 0; i < 3; i++) {
		client_send_text(fd, "GET /follow?lines=50 HTTP/1.1\r\n" HOST "\r\n");
		struct response response = client_read(fd);
		assert_int_equal(response.status, 200);
		assert_true(head_has(&response, "Transfer-Encoding: chunked\r\n"));
		size_t lines = 0;
		for (const char *at = response.body; (at = strstr(at, "line\n")); at++)
			lines++;
		assert_int_equal(lines, 50);
		expect_notice(&sample, 'c');
	}
	close(fd);
	struct response response = exchange(&sample, "GET /follow?lines=2 HTTP/1.0\r\n\r\n");
	assert_string_equal(response.body, "line\nline\n");
	expect_notice(&sample, 'c');
}

static void test_client_that_leaves_a_sleeping_stream_is_noticed(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "GET /follow?never HTTP/1.1\r\n" HOST "\r\n");
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
	expect_notice(&sample, 'c');
}

static void test_stop_ends_waiting_requests_and_streams(void **state)
{
	(void) state;
	int waiting = client_connect(&sample);
	client_send_text(waiting, "GET /later?never HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&sample, 'w');
	int streaming = client_connect(&sample);
	client_send_text(streaming, "GET /follow?never HTTP/1.1\r\n" HOST "\r\n");
	char byte;
	assert_int_equal(recv(streaming, &byte, 1, 0), 1);
	int idle = client_connect(&sample);
	harness_stop_server(&sample);
	expect_notice(&sample, 'g');
	expect_notice(&sample, 'c');
	assert_true(client_is_closed(waiting));
	assert_true(client_is_closed(idle));
	while (recv(streaming, &byte, 1, 0) == 1)
		;
	close(waiting);
	close(streaming);
	close(idle);
}

/* Streams, waiting requests and uploads, half of whose clients leave at once, in one heap: whatever is
 * suspended and resumed at the same time must neither be lost nor mixed up. */
static void test_many_clients_that_stream_wait_and_leave(void **state)
{
	(void) state;
	enum { CLIENTS = 120 };
	static const char *const requests[] = {
	    "GET /follow?lines=20 HTTP/1.1\r\n" HOST "\r\n",
	    "GET /later HTTP/1.1\r\n" HOST "\r\n",
	    "GET /follow?never HTTP/1.1\r\n" HOST "\r\n",
	    "GET /later?never HTTP/1.1\r\n" HOST "\r\n",
	    "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab",
	};
	enum { KINDS = sizeof(requests) / sizeof(requests[0]) };
	int clients[CLIENTS];
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_connect(&sample);
		client_send_text(clients[i], requests[i % KINDS]);
		if (i % 2)
			close(clients[i]);
	}
	for (int i = 0; i < CLIENTS; i += 2) {
		if (i % KINDS == 4)
			client_send_text(clients[i], "cd");
		if (i % KINDS < 2 || i % KINDS == 4) {
			struct response response = client_read(clients[i]);
			assert_int_equal(response.status, i % KINDS == 4 ? 201 : 200);
			assert_false(response.is_closed);
		}
		close(clients[i]);
	}
	assert_int_equal(exchange(&sample, "GET /hello HTTP/1.1\r\n" HOST "\r\n").status, 200);
	harness_stop_server(&sample);
	/* Every stream has been closed and every waiting request has come to one end, no more. */
	int closed = 0, waited = 0;
	char letters[1024];
	ssize_t count = read(sample.notices[0], letters, sizeof(letters));
	for (ssize_t i = 0; i < count; i++) {
		closed += letters[i] == 'c';
		waited += letters[i] == 'w';
	}
	assert_true(closed <= 2 * CLIENTS / KINDS && closed >= CLIENTS / KINDS);
	assert_true(waited <= 2 * CLIENTS / KINDS && waited >= CLIENTS / KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_client_that_leaves_a_waiting_request_is_noticed),
	    TEST(test_stream_flows_and_ends),
	    TEST(test_client_that_leaves_a_sleeping_stream_is_noticed),
	    TEST(test_stop_ends_waiting_requests_and_streams),
	    TEST(test_many_clients_that_stream_wait_and_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
