#include "harness.h"

#include "server/http/request.h"

#include "core/base/text.h"

#include <errno.h>
#include <zlib.h>

#define HOST "Host: localhost\r\n"

/* ---- routes ---- */

static void get_hello(struct request *request, void *app)
{
	(void) app;
	reply_header(request, "X-Evil", "a\r\nSet-Cookie: b"); /* must be refused */
	reply_json(request, 200, json_pack("{ss}", "hello", "world"));
}

static void get_big(struct request *request, void *app)
{
	(void) app;
	json_t *array = json_array();
	for (int i = 0; i < 1000; i++)
		json_array_append_new(array, json_integer(i));
	reply_json(request, 200, array);
}

static void get_item(struct request *request, void *app)
{
	(void) app;
	const char *a = request_query(request, "a");
	reply_json(request, 200,
		   json_pack("{ss ss ss*}", "id", request_parameter(request, "id"), "path",
			     request_path(request), "a", a));
}

static void get_rest(struct request *request, void *app)
{
	(void) app;
	const char *rest = request_parameter(request, "rest");
	reply_bytes(request, 200, "application/octet-stream", rest, strlen(rest));
}

static void echo_json(struct request *request, void *app)
{
	(void) app;
	const json_t *json = request_json(request);
	reply_json(request, 200, json ? json_deep_copy(json) : json_pack("{ss}", "body", "none"));
}

static void count_bytes(struct request *request, void *app)
{
	(void) app;
	size_t length;
	request_body(request, &length);
	reply_json(request, 200, json_pack("{si}", "length", (int) length));
}

static void act(struct request *request, void *app)
{
	(void) app;
	reply_empty(request, 204);
}

struct upload {
	struct harness *harness;
	struct request *request;
	size_t length, fail_at;
};

static int upload_chunk(const char *bytes, size_t length, struct error *error, void *data)
{
	(void) bytes;
	struct upload *upload = data;
	upload->length += length;
	if (upload->fail_at && upload->length >= upload->fail_at)
		return error_set(error, -ENOSPC, "insufficient_storage", "full");
	return 0;
}

static void upload_end(void *data)
{
	struct upload *upload = data;
	reply_json(upload->request, 201, json_pack("{si}", "length", (int) upload->length));
	free(upload);
}

static void upload_abort(void *data)
{
	struct upload *upload = data;
	notify(upload->harness, 'a');
	free(upload);
}

static void put_upload(struct request *request, void *app)
{
	static const struct body_sink sink = {upload_chunk, upload_end, upload_abort};
	struct error error = {0};
	int64_t fail_at = 0;
	if (request_query_integer(request, "fail", 0, INT64_MAX, &fail_at, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	struct upload *upload = calloc(1, sizeof(*upload));
	*upload = (struct upload){.harness = app, .request = request, .fail_at = (size_t) fail_at};
	request_set_body_sink(request, &sink, upload);
}

struct later {
	struct harness *harness;
	struct request *request;
	struct loop_timer *timer;
};

static void later_now(void *data)
{
	struct later *later = data;
	reply_json(later->request, 200, json_pack("{ss}", "came", "later"));
	loop_timer_destroy(later->timer);
	free(later);
}

static void later_gone(void *data)
{
	struct later *later = data;
	notify(later->harness, 'g');
	loop_timer_destroy(later->timer);
	free(later);
}

static void get_later(struct request *request, void *app)
{
	struct later *later = calloc(1, sizeof(*later));
	*later = (struct later){.harness = app, .request = request};
	later->timer = loop_timer_create(request_loop(request), later_now, later, NULL);
	bool never = request_query(request, "never") != NULL;
	if (!never)
		loop_timer_start(later->timer, 5);
	request_on_gone(request, later_gone, later);
	notify(later->harness, 'w');
}

struct follow {
	struct harness *harness;
	struct reply_stream *stream;
	struct loop_timer *timer;
	int left, ready;
};

static ssize_t follow_read(void *out, size_t size, void *data)
{
	struct follow *follow = data;
	if (!follow->ready)
		return follow->left ? 0 : -ENODATA;
	follow->ready--;
	return snprintf(out, size, "line\n");
}

static void follow_closed(void *data)
{
	struct follow *follow = data;
	notify(follow->harness, 'c');
	loop_timer_destroy(follow->timer);
	free(follow);
}

static void follow_tick(void *data)
{
	struct follow *follow = data;
	if (follow->left > 0) {
		follow->left--;
		follow->ready++;
	}
	if (follow->left)
		loop_timer_start(follow->timer, 1);
	reply_stream_wake(follow->stream);
	reply_stream_wake(follow->stream);
}

static void get_follow(struct request *request, void *app)
{
	static const struct reply_stream_source source = {follow_read, follow_closed};
	struct follow *follow = calloc(1, sizeof(*follow));
	int64_t lines = 3;
	request_query_integer(request, "lines", 0, 1000, &lines, NULL);
	*follow = (struct follow){.harness = app, .left = (int) lines};
	follow->timer = loop_timer_create(request_loop(request), follow_tick, follow, NULL);
	if (request_query(request, "never")) {
		follow->left = 1;
		follow->ready = 1;
	} else {
		loop_timer_start(follow->timer, 1);
	}
	follow->stream = reply_stream(request, 200, "text/plain", &source, follow);
}

static const char *const item_query[] = {"a", "b", NULL};
static const char *const upload_query[] = {"fail", NULL};
static const char *const later_query[] = {"never", NULL};
static const char *const follow_query[] = {"lines", "never", NULL};

static const struct route routes[] = {
    {"GET", "/hello", get_hello, BODY_NONE, NULL, "getHello", 0, 0},
    {"GET", "/big", get_big, BODY_NONE, NULL, "getBig", 0, 0},
    {"GET", "/items/{id}", get_item, BODY_NONE, item_query, "getItem", 0, 0},
    {"DELETE", "/items/{id}", act, BODY_NONE, NULL, "deleteItem", 0, 0},
    {"GET", "/items/special", get_hello, BODY_NONE, NULL, "getSpecial", 0, 0},
    {"GET", "/rest/{rest*}", get_rest, BODY_NONE, NULL, "getRest", 0, ROUTE_UNVERSIONED},
    {"POST", "/json", echo_json, BODY_JSON, NULL, "postJson", 0, 0},
    {"POST", "/optional", echo_json, BODY_JSON_OPTIONAL, NULL, "postOptional", 0, 0},
    {"POST", "/bytes", count_bytes, BODY_BYTES, NULL, "postBytes", 1000, 0},
    {"PUT", "/upload", put_upload, BODY_STREAM, upload_query, "putUpload", UINT64_MAX, 0},
    {"POST", "/action", act, BODY_NONE, NULL, "act", 0, 0},
    {"GET", "/later", get_later, BODY_NONE, later_query, "getLater", 0, 0},
    {"GET", "/follow", get_follow, BODY_NONE, follow_query, "getFollow", 0, 0},
    {"GET", "/open", get_hello, BODY_NONE, NULL, "getOpen", 0, ROUTE_OPEN},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static int admit(struct request *request, struct error *error, void *data)
{
	(void) data;
	if (request_header(request, "X-Deny") && !request_has_flag(request, ROUTE_OPEN))
		return error_set(error, -EACCES, "unauthorized", "give a token");
	if (request_header(request, "X-Actor"))
		request_set_actor(request, request_header(request, "X-Actor"));
	return 0;
}

static struct harness harness;

static int set_up(void **state)
{
	(void) state;
	harness_start(&harness, routes, (struct http_gate){.admit = admit}, 60);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	harness_stop(&harness);
	return 0;
}

static void expect_problem(const char *request, unsigned status, const char *code)
{
	struct response response = exchange(&harness, request);
	json_t *json = json_loadb(response.body, response.body_length, 0, NULL);
	if (response.status != status || !json)
		fail_msg("%.60s: got %u: %s", request, response.status, response.body);
	assert_true(head_has(&response, "Content-Type: application/problem+json\r\n"));
	assert_true(head_has(&response, "X-Request-Id: "));
	assert_string_equal(json_string_value(json_object_get(json, "code")), code);
	assert_int_equal(json_integer_value(json_object_get(json, "status")), status);
	assert_string_equal(json_string_value(json_object_get(json, "type")) + strlen("/problems/"), code);
	assert_non_null(json_object_get(json, "request_id"));
	json_decref(json);
}

/* ---- tests ---- */

static void test_json_answer_has_id_tag_and_no_injected_header(void **state)
{
	(void) state;
	struct response response = exchange(&harness, "GET /v1/hello HTTP/1.1\r\n" HOST "\r\n");
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
	    exchange(&harness, "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: abc-1.2_Z\r\n\r\n");
	assert_true(head_has(&response, "X-Request-Id: abc-1.2_Z\r\n"));
	response = exchange(&harness, "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: a b\r\n\r\n");
	assert_false(head_has(&response, "X-Request-Id: a b\r\n"));
}

static void test_matching_tag_answers_304(void **state)
{
	(void) state;
	struct response response = exchange(&harness, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	char tag[64];
	assert_int_equal(sscanf(strstr(response.head, "ETag: "), "ETag: %63[^\r]", tag), 1);
	char request[256];
	snprintf(request, sizeof(request), "GET /hello HTTP/1.1\r\n" HOST "If-None-Match: \"x\", %s\r\n\r\n",
		 tag);
	response = exchange(&harness, request);
	assert_int_equal(response.status, 304);
	assert_true(head_has(&response, tag));
	assert_int_equal(response.body_length, 0);
}

static void test_large_json_is_compressed_when_accepted(void **state)
{
	(void) state;
	struct response response =
	    exchange(&harness, "GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: br, gzip;q=0.5\r\n\r\n");
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
	response = exchange(&harness, "GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: gzip;q=0\r\n\r\n");
	assert_false(head_has(&response, "Content-Encoding"));
	assert_true(head_has(&response, "Vary: Accept-Encoding\r\n"));
	assert_memory_equal(response.body, "[0,1,2,", 7);
}

static void test_head_is_answered_without_body_and_connection_is_kept(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
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
	expect_notice(&harness, 'c');
	close(fd);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(client_read(fd).body, "{\"came\":\"later\"}");
	assert_string_equal(client_read(fd).body, "{\"hello\":\"world\"}");
	expect_notice(&harness, 'w');
	close(fd);
}

static void test_routing(void **state)
{
	(void) state;
	expect_problem("GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("GET /v1/rest/x HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("GET /items/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
	expect_problem("POST /hello HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed");
	struct response response = exchange(&harness, "PATCH /items/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 405);
	assert_true(head_has(&response, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
	response = exchange(&harness, "OPTIONS /v1/items/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 204);
	assert_true(head_has(&response, "Allow: GET, HEAD, DELETE, OPTIONS\r\n"));
	response = exchange(&harness, "GET /items/a%2Fb%20%C3%A9?a=x+y%26 HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "{\"id\":\"a/b é\",\"path\":\"/items/a/b é\",\"a\":\"x y&\"}");
	response = exchange(&harness, "GET /items/special HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "{\"hello\":\"world\"}");
	response = exchange(&harness, "GET /rest/a%2Fb/c HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(response.body, "a/b/c");
	response = exchange(&harness, "GET /rest/ HTTP/1.1\r\n" HOST "\r\n");
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
	struct response response = exchange(&harness, "GET /items/1?x=1&a=2&y HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 400);
	assert_non_null(strstr(response.body, "unknown_parameter"));
	assert_non_null(strstr(response.body, "parameters x, y"));
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
	int fd = client_connect(&harness);
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
	int fd = client_connect(&harness);
	static const char request[] =
	    "GET /hello HTTP/1.1\r\n" HOST "Accept:\t*/* \r\nEmpty:\r\nCookie: a=b\r\n\r\n";
	for (const char *at = request; *at; at++)
		client_send(fd, at, 1);
	assert_int_equal(client_read(fd).status, 200);
	close(fd);
}

static void test_bodies(void **state)
{
	(void) state;
	struct response response = exchange(
	    &harness, "POST /json HTTP/1.1\r\n" HOST
		      "Content-Type: application/json; charset=UTF-8\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	assert_string_equal(response.body, "{\"a\":1}");
	response = exchange(&harness, "POST /json HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n");
	assert_string_equal(response.body, "[1,2]");
	response = exchange(&harness, "POST /optional HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	assert_string_equal(response.body, "{\"body\":\"none\"}");
	response = exchange(&harness, "POST /action HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	assert_int_equal(response.status, 204);
	response = exchange(&harness, "POST /bytes HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	assert_string_equal(response.body, "{\"length\":3}");
	response = exchange(&harness, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	assert_string_equal(response.body, "{\"length\":3}");
	response = exchange(&harness, "PUT /upload HTTP/1.1\r\n" HOST "\r\n");
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
	int fd = client_connect(&harness);
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
	int fd = client_connect(&harness);
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
	int fd = client_connect(&harness);
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
	int fd = client_connect(&harness);
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
	int fd = client_connect(&harness);
	client_send_text(fd, "PUT /upload?fail=1000 HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
	send_zeroes(fd, 3000000);
	assert_int_equal(client_read(fd).status, 507);
	expect_notice(&harness, 'a');
	client_send_text(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_read(fd).status, 200);
	close(fd);
}

static void test_client_that_leaves_an_upload_is_told_to_the_sink(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
	close(fd);
	expect_notice(&harness, 'a');
}

static void test_client_that_leaves_a_waiting_request_is_noticed(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /later?never HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&harness, 'w');
	close(fd);
	expect_notice(&harness, 'g');
	/* A pipelined request must not hide it. */
	fd = client_connect(&harness);
	client_send_text(fd, "GET /later?never HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&harness, 'w');
	close(fd);
	expect_notice(&harness, 'g');
}

static void test_stream_flows_and_ends(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	for (int i = 0; i < 3; i++) {
		client_send_text(fd, "GET /follow?lines=50 HTTP/1.1\r\n" HOST "\r\n");
		struct response response = client_read(fd);
		assert_int_equal(response.status, 200);
		assert_true(head_has(&response, "Transfer-Encoding: chunked\r\n"));
		size_t lines = 0;
		for (const char *at = response.body; (at = strstr(at, "line\n")); at++)
			lines++;
		assert_int_equal(lines, 50);
		expect_notice(&harness, 'c');
	}
	close(fd);
	struct response response = exchange(&harness, "GET /follow?lines=2 HTTP/1.0\r\n\r\n");
	assert_string_equal(response.body, "line\nline\n");
	expect_notice(&harness, 'c');
}

static void test_client_that_leaves_a_sleeping_stream_is_noticed(void **state)
{
	(void) state;
	int fd = client_connect(&harness);
	client_send_text(fd, "GET /follow?never HTTP/1.1\r\n" HOST "\r\n");
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
	expect_notice(&harness, 'c');
}

static void test_stop_ends_waiting_requests_and_streams(void **state)
{
	(void) state;
	int waiting = client_connect(&harness);
	client_send_text(waiting, "GET /later?never HTTP/1.1\r\n" HOST "\r\n");
	expect_notice(&harness, 'w');
	int streaming = client_connect(&harness);
	client_send_text(streaming, "GET /follow?never HTTP/1.1\r\n" HOST "\r\n");
	char byte;
	assert_int_equal(recv(streaming, &byte, 1, 0), 1);
	int idle = client_connect(&harness);
	harness_stop_server(&harness);
	expect_notice(&harness, 'g');
	expect_notice(&harness, 'c');
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
		clients[i] = client_connect(&harness);
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
	assert_int_equal(exchange(&harness, "GET /hello HTTP/1.1\r\n" HOST "\r\n").status, 200);
	harness_stop_server(&harness);
	/* Every stream has been closed and every waiting request has come to one end, no more. */
	int closed = 0, waited = 0;
	char letters[1024];
	ssize_t count = read(harness.notices[0], letters, sizeof(letters));
	for (ssize_t i = 0; i < count; i++) {
		closed += letters[i] == 'c';
		waited += letters[i] == 'w';
	}
	assert_true(closed <= 2 * CLIENTS / KINDS && closed >= CLIENTS / KINDS);
	assert_true(waited <= 2 * CLIENTS / KINDS && waited >= CLIENTS / KINDS);
}

static void test_gate_comes_first_and_open_routes_pass(void **state)
{
	(void) state;
	expect_problem("GET /hello HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	expect_problem("GET /nowhere HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	expect_problem("GET /hello?x HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n", 401, "unauthorized");
	struct response response = exchange(&harness, "GET /open HTTP/1.1\r\n" HOST "X-Deny: 1\r\n\r\n");
	assert_int_equal(response.status, 200);
}

static void test_one_line_a_request_is_logged_without_the_query(void **state)
{
	(void) state;
	exchange(&harness, "GET /v1/items/1?a=secret HTTP/1.1\r\n" HOST
			   "Authorization: Bearer hidden\r\nX-Actor: ann\r\n\r\n");
	char line[2048];
	assert_true(wait_readable(harness.log_pipe[0]));
	ssize_t length = read(harness.log_pipe[0], line, sizeof(line) - 1);
	assert_true(length > 0);
	line[length] = '\0';
	assert_non_null(strstr(line, "method=GET path=/v1/items/1 status=200 bytes="));
	assert_non_null(strstr(line, " actor=ann peer=127.0.0.1:"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "hidden"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_json_answer_has_id_tag_and_no_injected_header),
	    TEST(test_sane_request_id_is_taken_over),
	    TEST(test_matching_tag_answers_304),
	    TEST(test_large_json_is_compressed_when_accepted),
	    TEST(test_head_is_answered_without_body_and_connection_is_kept),
	    TEST(test_pipelined_requests_are_answered_in_order),
	    TEST(test_routing),
	    TEST(test_query_faults),
	    TEST(test_what_the_library_lets_through_is_refused),
	    TEST(test_raw_nul_is_refused),
	    TEST(test_head_sent_byte_by_byte_is_taken),
	    TEST(test_bodies),
	    TEST(test_bad_bodies_are_refused),
	    TEST(test_refusal_before_the_body_sends_no_continue_and_closes),
	    TEST(test_accepted_body_is_asked_for_with_continue),
	    TEST(test_answer_before_a_large_body_survives_its_sending),
	    TEST(test_small_refused_body_keeps_the_connection),
	    TEST(test_failing_upload_is_swallowed_then_answered),
	    TEST(test_client_that_leaves_an_upload_is_told_to_the_sink),
	    TEST(test_client_that_leaves_a_waiting_request_is_noticed),
	    TEST(test_stream_flows_and_ends),
	    TEST(test_client_that_leaves_a_sleeping_stream_is_noticed),
	    TEST(test_stop_ends_waiting_requests_and_streams),
	    TEST(test_many_clients_that_stream_wait_and_leave),
	    TEST(test_gate_comes_first_and_open_routes_pass),
	    TEST(test_one_line_a_request_is_logged_without_the_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
