#include "harness.h"

#include "server/http/request.h"

#include <time.h>

static void get_hello(struct request *request, void *app)
{
	(void) app;
	reply_json(request, 200, json_object());
}

static int on_chunk(const char *bytes, size_t length, struct error *error, void *data)
{
	(void) bytes;
	(void) length;
	(void) error;
	(void) data;
	return 0;
}

static void on_end(void *data)
{
	(void) data;
}

static void on_abort(void *data)
{
	notify(data, 'a');
}

static void put_upload(struct request *request, void *app)
{
	static const struct body_sink sink = {on_chunk, on_end, on_abort};
	request_set_body_sink(request, &sink, app);
}

static const struct route routes[] = {
    {"GET", "/hello", get_hello, BODY_NONE, NULL, "getHello", 0, 0},
    {"PUT", "/upload", put_upload, BODY_STREAM, NULL, "putUpload", UINT64_MAX, 0},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static struct harness harness;

static int set_up(void **state)
{
	(void) state;
	harness_start(&harness, routes, (struct http_gate){0}, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	harness_stop(&harness);
	return 0;
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* Sends the letter now and then until the server hangs up; true if it did in time. */
static bool is_cut_off_while_dripping(int fd)
{
	double start = now_seconds();
	while (now_seconds() - start < 8) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLRDHUP};
		if (poll(&poll_fd, 1, 100) == 1)
			return client_is_closed(fd);
		client_send(fd, "x", 1);
	}
	return false;
}

static void test_head_that_drips_is_cut_off(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /hello HTTP/1.1\r\nX: ");
	assert_true(is_cut_off_while_dripping(fd));
	close(fd);
}

static void test_next_head_that_drips_is_cut_off_too(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(client_read(fd).status, 200);
	client_send_text(fd, "GET /");
	assert_true(is_cut_off_while_dripping(fd));
	close(fd);
}

static void test_body_that_drips_is_cut_off_and_the_sink_told(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
	assert_true(is_cut_off_while_dripping(fd));
	expect_notice(&harness, 'a');
	close(fd);
}

static void test_idle_connection_is_closed(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(client_read(fd).status, 200);
	assert_true(wait_readable(fd));
	assert_true(client_is_closed(fd));
	close(fd);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_head_that_drips_is_cut_off),
	    TEST(test_next_head_that_drips_is_cut_off_too),
	    TEST(test_body_that_drips_is_cut_off_and_the_sink_told),
	    TEST(test_idle_connection_is_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
