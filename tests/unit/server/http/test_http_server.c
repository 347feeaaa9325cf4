#include "support.h"

#include <zlib.h>

static void test_json_answer_has_id_tag_and_no_injected_header(void **state)
{
	(void) state;
	struct response response = exchange(&sample, "GET /v1/hello HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 200);
	assert_string_equal(response.body, "{\"hello\":\"world\"}");
	assert_true(head_has(&response, "X-Request-Id: "));
	assert_true(head_has(&response, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(head_has(&response, "ETag: W/\""));
	assert_false(head_has(&response, "Set-Cookie"));
}

static void test_sane_request_id_is_taken_over(void **state)
{
	(void) state;
	struct response response =
	    exchange(&sample, "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: abc-1.2_Z\r\n\r\n");
	assert_true(head_has(&response, "X-Request-Id: abc-1.2_Z\r\n"));
	response = exchange(&sample, "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: a b\r\n\r\n");
	assert_false(head_has(&response, "X-Request-Id: a b\r\n"));
}

static void test_matching_tag_answers_304(void **state)
{
	(void) state;
	struct response response = exchange(&sample, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	char tag[64];
	assert_int_equal(sscanf(strstr(response.head, "ETag: "), "ETag: %63[^\r]", tag), 1);
	char request[256];
	snprintf(request, sizeof(request), "GET /hello HTTP/1.1\r\n" HOST "If-None-Match: \"x\", %s\r\n\r\n",
		 tag);
	response = exchange(&sample, request);
	assert_int_equal(response.status, 304);
	assert_true(head_has(&response, tag));
	assert_int_equal(response.body_length, 0);
}

static void test_large_json_is_compressed_when_accepted(void **state)
{
	(void) state;
	struct response response =
	    exchange(&sample, "GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: br, gzip;q=0.5\r\n\r\n");
	assert_true(head_has(&response, "Content-Encoding: gzip\r\n"));
	assert_true(head_has(&response, "Vary: Accept-Encoding\r\n"));
	char plain[8192];
	z_stream stream = {.next_in = (Bytef *) response.body,
			   .avail_in = (uInt) response.body_length,
			   .next_out = (Bytef *) plain,
			   .avail_out = sizeof(plain)};
	assert_int_equal(inflateInit2(&stream, 31), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	inflateEnd(&stream);
	assert_memory_equal(plain, "[0,1,2,", 7);
	response = exchange(&sample, "GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: gzip;q=0\r\n\r\n");
	assert_false(head_has(&response, "Content-Encoding"));
	assert_true(head_has(&response, "Vary: Accept-Encoding\r\n"));
	assert_memory_equal(response.body, "[0,1,2,", 7);
}

static void test_head_is_answered_without_body_and_connection_is_kept(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	for (int i = 0; i < 2; i++) {
		client_send_text(fd, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n");
		struct response response = client_read_of(fd, true);
		assert_int_equal(response.status, 200);
		assert_true(head_has(&response, "Content-Length: 17\r\n"));
		assert_int_equal(response.body_length, 0);
	}
	client_send_text(fd, "HEAD /follow HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_read_of(fd, true).status, 200);
	assert_true(client_is_closed(fd));
	expect_notice(&sample, 'c');
	close(fd);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(client_read(fd).body, "{\"came\":\"later\"}");
	assert_string_equal(client_read(fd).body, "{\"hello\":\"world\"}");
	expect_notice(&sample, 'w');
	close(fd);
}

static void test_routing(void **state)
{
	(void) state;
	expect_problem("GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("GET /v1/rest/x HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("GET /items/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("POST /hello HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed");
	struct response response = exchange(&sample, "PATCH /items/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 405);
	assert_true(head_has(&response, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
	response = exchange(&sample, "OPTIONS /v1/items/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 204);
	assert_true(head_has(&response, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
	response = exchange(&sample, "GET /items/a%2Fb%20%C3%A9?a=x+y%26 HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "{\"id\":\"a/b é\",\"path\":\"/items/a/b é\",\"a\":\"x y&\"}");
	response = exchange(&sample, "GET /items/special HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "{\"hello\":\"world\"}");
	response = exchange(&sample, "GET /rest/a%2Fb/c HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "a/b/c");
	response = exchange(&sample, "GET /rest/ HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 200);
	assert_int_equal(response.body_length, 0);
}

static void test_query_faults(void **state)
{
	(void) state;
	expect_problem("GET /items/1?a=1&a=2 HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	expect_problem("GET /items/1?a=%FF HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	expect_problem("GET /items/1?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	expect_problem("GET /items/1?a=%4 HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	expect_problem("PUT /upload?fail=x HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	struct response response = exchange(&sample, "GET /items/1?x=1&a=2&y HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 400);
	assert_non_null(strstr(response.body, "unknown_parameter"));
	assert_non_null(strstr(response.body, "x is not a parameter of this call; y is not"));
	response = exchange(&sample, "GET /items/1?x=1&a=2&a=3 HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(response.body, "unknown_parameter"));
	assert_non_null(strstr(response.body, "; a is given more than once"));
}

static void test_a_parameter_is_repeated_where_its_route_says_so(void **state)
{
	(void) state;
	struct response response = exchange(&sample, "GET /list?b=1&a=x&b=%2B&b HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "[\"1\",\"+\",\"\"]");
	response = exchange(&sample, "GET /list HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "[]");
	expect_problem("GET /list?b=1&a=x&b=2&a=y HTTP/1.1\r\n" HOST "\r\n", 400, "invalid_parameter");
	expect_problem("GET /list?b*=1 HTTP/1.1\r\n" HOST "\r\n", 400, "unknown_parameter");
	expect_problem("GET /list?=1 HTTP/1.1\r\n" HOST "\r\n", 400, "unknown_parameter");
}

static void test_what_the_library_lets_through_is_refused(void **state)
{
	(void) state;
	static const char *const requests[] = {
	    "POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
	    "GET /hello HTTP/1.1\r\n" HOST "Host: other\r\n\r\n",
	    "GET /hello HTTP/1.1\r\nAccept: */*\r\n\r\n",
	    "GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
	    "GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\nY: c\r\n\r\n",
	    "GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
	    "GET /hello HTTP/1.1\r\n" HOST "X : a\r\n\r\n",
	    "GET /hello HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n",
	    "GET /hello HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n",
	    "GET  /hello HTTP/1.1\r\n" HOST "\r\n",
	    "POST /json HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n",
	    "POST /json HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	    "GET /hel%00lo HTTP/1.1\r\n" HOST "\r\n",
	    "GET /items/a b HTTP/1.1\r\n" HOST "\r\n",
	    "GET /items/\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
	    "GET /items/%FF HTTP/1.1\r\n" HOST "\r\n",
	    "GET /items/%4x HTTP/1.1\r\n" HOST "\r\n",
	    "GET http://localhost/hello HTTP/1.1\r\n" HOST "\r\n",
	};
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		expect_problem(requests[i], 400, "bad_request");
}

static void expect_raw_is_refused(const char *bytes, size_t length)
{
	int fd = client_connect(&sample);
	client_send(fd, bytes, length);
	struct response response = client_read(fd);
	if (response.status != 400)
		fail_msg("%.60s: got %u", bytes, response.status);
	assert_true(client_is_closed(fd));
	close(fd);
}

static void test_raw_nul_is_refused(void **state)
{
	(void) state;
	static const char in_path[] = "GET /hello\0/x HTTP/1.1\r\n" HOST "\r\n";
	static const char in_value[] = "GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
	static const char in_first[] = "GET /hello HTTP/1.1\r\nX: a\0b\r\n" HOST "\r\n";
	static const char in_name[] = "GET /hello HTTP/1.1\r\n" HOST "X\0: ab\r\n\r\n";
	expect_raw_is_refused(in_path, sizeof(in_path) - 1);
	expect_raw_is_refused(in_value, sizeof(in_value) - 1);
	expect_raw_is_refused(in_first, sizeof(in_first) - 1);
	expect_raw_is_refused(in_name, sizeof(in_name) - 1);
}

static void test_head_sent_byte_by_byte_is_taken(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	static const char request[] =
	    "GET /hello HTTP/1.1\r\n" HOST "Accept:\t*/* \r\nEmpty:\r\nCookie: a=b\r\n\r\n";
	for (const char *at = request; *at; at++)
		client_send(fd, at, 1);
	assert_int_equal(client_read(fd).status, 200);
	close(fd);
}

static void test_gate_comes_first_and_open_routes_pass(void **state)
{
	(void) state;
	expect_problem("GET /hello HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	expect_problem("GET /nowhere HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	expect_problem("GET /hello?x HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	struct response response = exchange(&sample, "GET /open HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n");
	assert_int_equal(response.status, 200);
}

static void test_without_a_name_the_caller_is_its_address(void **state)
{
	(void) state;
	exchange(&sample, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	char line[2048];
	assert_true(wait_readable(sample.log_pipe[0]));
	ssize_t length = read(sample.log_pipe[0], line, sizeof(line) - 1);
	assert_true(length > 0);
	line[length] = '\0';
	assert_non_null(strstr(line, " actor=127.0.0.1 peer=127.0.0.1:"));
}

static void test_one_line_a_request_is_logged_without_the_query(void **state)
{
	(void) state;
	exchange(&sample, "GET /v1/items/1?a=secret HTTP/1.1\r\n" HOST
			  "Authorization: Bearer hidden\r\nX-Actor: ann\r\n\r\n");
	char line[2048];
	assert_true(wait_readable(sample.log_pipe[0]));
	ssize_t length = read(sample.log_pipe[0], line, sizeof(line) - 1);
	assert_true(length > 0);
	line[length] = '\0';
	assert_non_null(strstr(line, "method=GET path=/v1/items/1 status=200 bytes="));
	assert_non_null(strstr(line, " actor=ann peer=127.0.0.1:"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "hidden"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_json_answer_has_id_tag_and_no_injected_header),
	    TEST(test_sane_request_id_is_taken_over),
	    TEST(test_matching_tag_answers_304),
	    TEST(test_large_json_is_compressed_when_accepted),
	    TEST(test_head_is_answered_without_body_and_connection_is_kept),
	    TEST(test_pipelined_requests_are_answered_in_order),
	    TEST(test_routing),
	    TEST(test_query_faults),
	    TEST(test_a_parameter_is_repeated_where_its_route_says_so),
	    TEST(test_what_the_library_lets_through_is_refused),
	    TEST(test_raw_nul_is_refused),
	    TEST(test_head_sent_byte_by_byte_is_taken),
	    TEST(test_gate_comes_first_and_open_routes_pass),
	    TEST(test_one_line_a_request_is_logged_without_the_query),
	    TEST(test_without_a_name_the_caller_is_its_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
