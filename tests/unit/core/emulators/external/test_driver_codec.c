#include "core/emulators/external/driver_codec.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
	json_t *json = json_parse(text, strlen(text), NULL);
	assert_non_null(json);
	return json;
}

static void a_request_bears_arguments_only_where_there_are_any(void **state)
{
	(void) state;
	cleanup_json json_t *arguments = parse("{\"path\":\"/cpu\"}");
	cleanup_json json_t *with = driver_request_make(7, "property-list", arguments);
	cleanup_json json_t *without = driver_request_make(8, "reset", NULL);
	cleanup_json json_t *wanted =
	    parse("{\"id\":7,\"command\":\"property-list\",\"arguments\":{\"path\":\"/cpu\"}}");
	cleanup_json json_t *wanted_bare = parse("{\"id\":8,\"command\":\"reset\"}");
	assert_true(json_equal(with, wanted));
	assert_true(json_equal(without, wanted_bare));
}

static void messages_are_told_apart(void **state)
{
	(void) state;
	struct driver_message message;
	cleanup_json json_t *result = parse("{\"id\":3,\"return\":null,\"more\":1}");
	assert_int_equal(driver_message_parse(result, &message, NULL), 0);
	assert_int_equal(message.kind, DRIVER_RETURN);
	assert_int_equal(message.id, 3);
	assert_true(json_is_null(message.body));
	cleanup_json json_t *failure =
	    parse("{\"id\":4,\"error\":{\"code\":\"invalid_value\",\"message\":\"no\"}}");
	assert_int_equal(driver_message_parse(failure, &message, NULL), 0);
	assert_int_equal(message.kind, DRIVER_ERROR);
	assert_string_equal(message.name, "invalid_value");
	assert_string_equal(message.words, "no");
	cleanup_json json_t *event = parse("{\"event\":\"ended\",\"data\":{\"reason\":\"crashed\"}}");
	assert_int_equal(driver_message_parse(event, &message, NULL), 0);
	assert_int_equal(message.kind, DRIVER_EVENT);
	assert_string_equal(message.name, "ended");
	assert_string_equal(json_member_string(message.body, "reason", ""), "crashed");
}

static void what_is_no_message_is_refused_in_words(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
	    {"[1]", "said something that is no JSON object"},
	    {"{}", "said something that is neither an event nor a reply with \"return\" or \"error\""},
	    {"{\"id\":1}",
	     "said something that is neither an event nor a reply with \"return\" or \"error\""},
	    {"{\"id\":1,\"return\":1,\"error\":{}}",
	     "said something that is neither an event nor a reply with \"return\" or \"error\""},
	    {"{\"return\":1}", "gave a reply without the id of its request"},
	    {"{\"id\":\"1\",\"return\":1}", "gave a reply without the id of its request"},
	    {"{\"id\":-1,\"return\":1}", "gave a reply without the id of its request"},
	    {"{\"id\":1,\"error\":\"no\"}", "gave an error without a message"},
	    {"{\"id\":1,\"error\":{\"code\":\"x\"}}", "gave an error without a message"},
	    {"{\"event\":1}", "named an event by something that is no string"},
	};
	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct driver_message message;
		struct error error;
		cleanup_json json_t *json = parse(wrong[i].text);
		assert_int_equal(driver_message_parse(json, &message, &error), -EPROTO);
		assert_string_equal(error.message, wrong[i].words);
	}
}

static void codes_that_are_not_a_drivers_become_an_emulators_error(void **state)
{
	(void) state;
	assert_string_equal(driver_error_code("property_not_found"), "property_not_found");
	assert_string_equal(driver_error_code("not_implemented"), "not_implemented");
	assert_string_equal(driver_error_code("unauthorized"), "emulator_error");
	assert_string_equal(driver_error_code(NULL), "emulator_error");
}

static void capabilities_that_are_not_known_are_passed_over(void **state)
{
	(void) state;
	unsigned capabilities = 0;
	cleanup_json json_t *hello = parse(
	    "{\"protocol\":1,\"capabilities\":[\"reset\",\"teleport\",\"resume\",\"holds\"],\"more\":{}}");
	assert_int_equal(driver_hello_parse(hello, &capabilities, NULL), 0);
	assert_int_equal(capabilities, DRIVER_CAN_RESET | DRIVER_CAN_RESUME | DRIVER_HOLDS);
}

static void a_greeting_that_will_not_do_is_refused(void **state)
{
	static const char *const wrong[] = {
	    "null",
	    "{\"capabilities\":[]}",
	    "{\"protocol\":0,\"capabilities\":[]}",
	    "{\"protocol\":2,\"capabilities\":[]}",
	    "{\"protocol\":\"1\",\"capabilities\":[]}",
	    "{\"protocol\":1}",
	    "{\"protocol\":1,\"capabilities\":{}}",
	    "{\"protocol\":1,\"capabilities\":[1]}",
	    "{\"protocol\":1,\"capabilities\":[\"holds\"]}",
	};
	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unsigned capabilities = 77;
		struct error error = {0};
		cleanup_json json_t *hello = parse(wrong[i]);
		assert_int_equal(driver_hello_parse(hello, &capabilities, &error), -EPROTO);
		assert_true(error.message[0]);
		assert_int_equal(capabilities, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_bears_arguments_only_where_there_are_any),
	    cmocka_unit_test(messages_are_told_apart),
	    cmocka_unit_test(what_is_no_message_is_refused_in_words),
	    cmocka_unit_test(codes_that_are_not_a_drivers_become_an_emulators_error),
	    cmocka_unit_test(capabilities_that_are_not_known_are_passed_over),
	    cmocka_unit_test(a_greeting_that_will_not_do_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
