#include "support.h"

#include "server/http/request.h"

#include <errno.h>

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

/* What b was given, one after the other. */
static void get_list(struct request *request, void *app)
{
	(void) app;
	json_t *values = json_array();
	size_t index = 0;
	for (const char *value; (value = request_query_next(request, "b", &index));)
		json_array_append_new(values, json_string(value));
	reply_json(request, 200, values);
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
static const char *const list_query[] = {"a", "b*", NULL};
static const char *const upload_query[] = {"fail", NULL};
static const char *const later_query[] = {"never", NULL};
static const char *const follow_query[] = {"lines", "never", NULL};

static const struct route routes[] = {
    {"GET", "/hello", get_hello, BODY_NONE, NULL, "getHello", 0, 0},
    {"GET", "/big", get_big, BODY_NONE, NULL, "getBig", 0, 0},
    {"GET", "/items/{id}", get_item, BODY_NONE, item_query, "getItem", 0, 0},
    {"DELETE", "/items/{id}", act, BODY_NONE, NULL, "deleteItem", 0, 0},
    {"GET", "/items/special", get_hello, BODY_NONE, NULL, "getSpecial", 0, 0},
    {"GET", "/list", get_list, BODY_NONE, list_query, "getList", 0, 0},
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

struct harness sample;

int sample_set_up(void **state)
{
	(void) state;
	harness_start(&sample, routes, (struct http_gate){.admit = admit}, 60);
	return 0;
}

int sample_tear_down(void **state)
{
	(void) state;
	harness_stop(&sample);
	return 0;
}

void expect_problem(const char *request, unsigned status, const char *code)
{
	struct response response = exchange(&sample, request);
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
