#include "support.h"

static void test_bodies(void **state)
{
	(void) state;
	struct response response = exchange(
	    &sample, "POST /json HTTP/1.1\r\n" HOST
		     "Content-Type: application/json; charset=UTF-8\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	assert_string_equal(response.body, "{\"a\":1}");
	response = exchange(&sample, "POST /json HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n");
	assert_string_equal(response.body, "[1,2]");
	response = exchange(&sample, "POST /optional HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	assert_string_equal(response.body, "{\"body\":\"none\"}");
	response = exchange(&sample, "POST /action HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	assert_int_equal(response.status, 204);
	response = exchange(&sample, "POST /bytes HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	assert_string_equal(response.body, "{\"length\":3}");
	response = exchange(&sample, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	assert_string_equal(response.body, "{\"length\":3}");
	response = exchange(&sample, "PUT /upload HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "{\"length\":0}");
}

static void test_bad_bodies_are_refused(void **state)
{
	(void) state;
#define JSON_TYPE "Content-Type: application/json\r\n"
	expect_problem("POST /json HTTP/1.1\r\n" HOST JSON_TYPE "Content-Length: 2\r\n\r\n{]", 400,
		       "invalid_json");
	expect_problem("POST /json HTTP/1.1\r\n" HOST JSON_TYPE "Content-Length: 3\r\n\r\n\"\xff\"", 400,
		       "invalid_json");
	expect_problem("POST /json HTTP/1.1\r\n" HOST JSON_TYPE "\r\n", 400, "invalid_json");
	expect_problem("POST /json HTTP/1.1\r\n" HOST
		       "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
		       415, "unsupported_media_type");
	expect_problem("POST /json HTTP/1.1\r\n" HOST
		       "Content-Type: application/json;charset=latin1\r\nContent-Length: 2\r\n\r\n{}",
		       415, "unsupported_media_type");
	expect_problem("POST /json HTTP/1.1\r\n" HOST JSON_TYPE
		       "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
		       415, "unsupported_media_type");
	expect_problem("POST /action HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 400, "invalid_request");
	expect_problem("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 400, "invalid_request");
	expect_problem("POST /action HTTP/1.1\r\n" HOST
		       "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		       400, "invalid_request");
	char request[2048];
	snprintf(request, sizeof(request),
		 "POST /bytes HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n4b0\r\n%1200s\r\n0\r\n\r\n",
		 "x");
	expect_problem(request, 413, "too_large");
}

static void test_refusal_before_the_body_sends_no_continue_and_closes(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "PUT /upload HTTP/1.1\r\n" HOST
			     "X-Deny: 1\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
	struct response response = client_read(fd);
	assert_int_equal(response.status, 401);
	assert_true(head_has(&response, "WWW-Authenticate: Bearer"));
	assert_true(head_has(&response, "Connection: close"));
	assert_true(client_is_closed(fd));
	close(fd);
}

static void test_accepted_body_is_asked_for_with_continue(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd,
			 "PUT /upload HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	assert_int_equal(client_read(fd).status, 100);
	client_send_text(fd, "ab");
	assert_int_equal(client_read(fd).status, 201);
	close(fd);
}

static void send_zeroes(int fd, size_t length)
{
	static const char zeroes[65536];
	for (; length; length -= length < sizeof(zeroes) ? length : sizeof(zeroes))
		client_send(fd, zeroes, length < sizeof(zeroes) ? length : sizeof(zeroes));
}

static void test_answer_before_a_large_body_survives_its_sending(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "POST /bytes HTTP/1.1\r\n" HOST "Content-Length: 2000000\r\n\r\n");
	send_zeroes(fd, 2000000);
	struct response response = client_read(fd);
	assert_int_equal(response.status, 413);
	assert_non_null(strstr(response.body, "too_large"));
	close(fd);
}

static void test_small_refused_body_keeps_the_connection(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "POST /bytes HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n");
	send_zeroes(fd, 2000);
	assert_int_equal(client_read(fd).status, 413);
	client_send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_read(fd).status, 200);
	close(fd);
}

static void test_failing_upload_is_swallowed_then_answered(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "PUT /upload?fail=1000 HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
	send_zeroes(fd, 3000000);
	assert_int_equal(client_read(fd).status, 507);
	expect_notice(&sample, 'a');
	client_send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_read(fd).status, 200);
	close(fd);
}

static void test_client_that_leaves_an_upload_is_told_to_the_sink(void **state)
{
	(void) state;
	int fd = client_connect(&sample);
	client_send_text(fd, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
	close(fd);
	expect_notice(&sample, 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_bodies),
	    TEST(test_bad_bodies_are_refused),
	    TEST(test_refusal_before_the_body_sends_no_continue_and_closes),
	    TEST(test_accepted_body_is_asked_for_with_continue),
	    TEST(test_answer_before_a_large_body_survives_its_sending),
	    TEST(test_small_refused_body_keeps_the_connection),
	    TEST(test_failing_upload_is_swallowed_then_answered),
	    TEST(test_client_that_leaves_an_upload_is_told_to_the_sink),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
