#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/protocol.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <string.h>

static json_t *parse(const char *text)
{
	json_t *json = json_parse(text, strlen(text), NULL);
	assert_non_null(json);
	return json;
}

static void expect(json_t *made, const char *wanted)
{
	cleanup_json json_t *json = parse(wanted);
	cleanup_json json_t *found = made;
	cleanup_free char *text = json_to_text(found);
	if (!json_equal(found, json))
		fail_msg("%s\n%s", text, wanted);
}

static void what_is_made_is_as_written_down(void **state)
{
	(void) state;
	cleanup_json json_t *status = parse("{\"state\":\"running\"}");
	struct error error;
	expect(shim_greeting_make(status), "{\"emud-shim\":{\"version\":\"" EMUD_VERSION
					   "\",\"protocol\":1},\"status\":{\"state\":\"running\"}}");
	expect(shim_request_make(7, "stop", NULL), "{\"id\":7,\"command\":\"stop\"}");
	expect(shim_request_make(7, "x", status),
	       "{\"id\":7,\"command\":\"x\",\"arguments\":{\"state\":\"running\"}}");
	expect(shim_reply_make(8, NULL), "{\"id\":8,\"return\":null}");
	expect(shim_event_make("state", status), "{\"event\":\"state\",\"data\":{\"state\":\"running\"}}");
	error_set(&error, -EIO, NULL, "odd \xff byte");
	cleanup_json json_t *extra = parse("{\"written\":3,\"code\":\"mine\"}");
	expect(shim_error_make(9, &error, extra), "{\"id\":9,\"error\":{\"code\":\"internal_error\","
						  "\"detail\":\"odd \\ufffd byte\",\"written\":3}}");
}

static void a_request_is_read(void **state)
{
	(void) state;
	struct shim_request request;
	cleanup_json json_t *json =
	    parse("{\"id\":-5,\"command\":\"reset\",\"arguments\":{\"a\":1},\"new\":[]}");
	assert_int_equal(shim_request_parse(json, &request, NULL), 0);
	assert_int_equal(request.id, -5);
	assert_string_equal(request.command, "reset");
	assert_int_equal(json_member_integer(request.arguments, "a", 0), 1);
	cleanup_json json_t *bare = parse("{\"id\":1,\"command\":\"x\"}");
	assert_int_equal(shim_request_parse(bare, &request, NULL), 0);
	assert_null(request.arguments);
}

static void a_wrong_request_says_what_it_lacks(void **state)
{
	(void) state;
	static const char *const bad[][2] = {{"{}", "id"},
					     {"[]", "id"},
					     {"7", "id"},
					     {"{\"id\":\"1\",\"command\":\"x\"}", "id"},
					     {"{\"id\":1.5,\"command\":\"x\"}", "id"},
					     {"{\"id\":1}", "command"},
					     {"{\"id\":1,\"command\":5}", "command"},
					     {"{\"id\":1,\"command\":\"x\",\"arguments\":[]}", "arguments"}};
	struct shim_request request = {.id = 77};
	struct error error;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_json json_t *json = parse(bad[i][0]);
		assert_int_equal(shim_request_parse(json, &request, &error), -EINVAL);
		assert_string_equal(error.code, "bad_request");
		assert_non_null(strstr(error.message, bad[i][1]));
	}
	assert_int_equal(request.id, 77);
}

static void messages_are_told_apart(void **state)
{
	(void) state;
	static const struct {
		const char *text;
		enum shim_message_kind kind;
		json_int_t id;
	} rows[] = {
	    {"{\"emud-shim\":{\"version\":\"2\",\"protocol\":9,\"x\":0},\"status\":{}}", SHIM_GREETING, -1},
	    {"{\"id\":4,\"return\":{},\"x\":0}", SHIM_REPLY, 4},
	    {"{\"id\":4,\"return\":null}", SHIM_REPLY, 4},
	    {"{\"id\":4,\"error\":{}}", SHIM_ERROR, 4},
	    {"{\"event\":\"state\",\"data\":{}}", SHIM_EVENT, -1},
	};
	struct shim_message message;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_json json_t *json = parse(rows[i].text);
		assert_int_equal(shim_message_parse(json, &message, NULL), 0);
		assert_int_equal(message.kind, rows[i].kind);
		assert_int_equal(message.id, rows[i].id);
		assert_non_null(message.body);
	}
	static const char *const bad[] = {"{}",
					  "[]",
					  "5",
					  "null",
					  "{\"id\":4}",
					  "{\"return\":{}}",
					  "{\"error\":{}}",
					  "{\"id\":-4,\"return\":{}}",
					  "{\"event\":\"state\"}",
					  "{\"event\":7,\"data\":{}}",
					  "{\"emud-shim\":{}}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_json json_t *json = parse(bad[i]);
		assert_int_equal(shim_message_parse(json, &message, NULL), -EPROTO);
	}
}

static void an_error_goes_over_and_back(void **state)
{
	(void) state;
	struct error sent, got;
	error_set(&sent, -EBUSY, "channel_busy", "gdb is in use");
	cleanup_json json_t *json = shim_error_make(1, &sent, NULL);
	shim_error_read(json_object_get(json, "error"), &got);
	assert_string_equal(got.code, "channel_busy");
	assert_string_equal(got.message, "gdb is in use");
	assert_true(got.number < 0);
	cleanup_json json_t *unheard = parse("{\"code\":\"unheard_of\",\"detail\":7}");
	shim_error_read(unheard, &got);
	assert_string_equal(got.code, "emulator_error");
	cleanup_json json_t *nothing = parse("5");
	shim_error_read(nothing, &got);
	assert_string_equal(got.code, "emulator_error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_made_is_as_written_down),    cmocka_unit_test(a_request_is_read),
	    cmocka_unit_test(a_wrong_request_says_what_it_lacks), cmocka_unit_test(messages_are_told_apart),
	    cmocka_unit_test(an_error_goes_over_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
