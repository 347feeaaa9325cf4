#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/emulators/renode/renode.h"

static json_t *parse(const char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	assert_true(!text || json);
	return json;
}

static json_t *resolve(const char *emulator_section, const char *target_section, struct error *error)
{
	cleanup_json json_t *emulator = parse(emulator_section);
	cleanup_json json_t *target = parse(target_section);
	return renode_config.resolve(emulator, target, error);
}

static void expect_settings(const char *emulator_section, const char *target_section, const char *expected)
{
	struct error error = {0};
	cleanup_json json_t *settings = resolve(emulator_section, target_section, &error);
	assert_string_equal(error.message, "");
	json_object_del(settings, "read_paths");
	cleanup_free char *text = json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
}

static void expect_error(const char *target_section, const char *expected)
{
	struct error error = {0};
	assert_null(resolve(NULL, target_section, &error));
	assert_string_equal(error.message, expected);
	assert_string_equal(error.code, "invalid_configuration");
}

#define TERMINALS(terminals) "{\"machine\":\"a.repl\",\"channels\":{\"terminals\":{" terminals "}}}"

static void the_target_beats_the_emulator(void **state)
{
	(void) state;
	expect_settings(NULL, "{\"machine\":\"a.repl\"}",
			"{\"executable\":\"renode\",\"machine\":\"a.repl\",\"terminals\":{}}");
	expect_settings("{\"executable\":\"/one\"}", "{\"machine\":\"a.repl\"}",
			"{\"executable\":\"/one\",\"machine\":\"a.repl\",\"terminals\":{}}");
	expect_settings("{\"executable\":\"/one\"}", "{\"machine\":\"a.repl\",\"executable\":\"/two\"}",
			"{\"executable\":\"/two\",\"machine\":\"a.repl\",\"terminals\":{}}");
}

static void a_terminals_type_beats_the_emulators(void **state)
{
	(void) state;
	expect_settings("{\"channels\":{\"terminals\":{\"type\":\"pty\"}}}",
			TERMINALS("\"a\":{\"device-path\":\"sysbus.usart1\"},"
				  "\"b\":{\"device-path\":\"sysbus.usart2\",\"type\":\"tcp\"}"),
			"{\"executable\":\"renode\",\"machine\":\"a.repl\",\"terminals\":{"
			"\"a\":{\"device-path\":\"sysbus.usart1\",\"type\":\"pty\"},"
			"\"b\":{\"device-path\":\"sysbus.usart2\",\"type\":\"tcp\"}}}");
}

static void what_cannot_be_is_refused_by_its_key(void **state)
{
	(void) state;
	expect_error("{}", "machine: required");
	expect_error("{\"machine\":\"a\\nquit\"}",
		     "machine: must be a platform description's path without control characters");
	expect_error(TERMINALS("\"a\":{}"), "channels.terminals.a.device-path: required");
	expect_error(TERMINALS("\"a\":{\"device-path\":\"usart1; quit\"}"),
		     "channels.terminals.a.device-path: must be the path of a device, as sysbus.usart1");
	expect_error(TERMINALS("\"gdb\":{\"device-path\":\"sysbus.usart1\"}"),
		     "channels.terminals.gdb: gdb is a channel that every instance has");
	expect_error(TERMINALS("\"a.log\":{\"device-path\":\"sysbus.usart1\"}"),
		     "channels.terminals.a.log: a.log ends like a file that emud keeps for the instance");
	expect_error(
	    TERMINALS("\"a b\":{\"device-path\":\"sysbus.usart1\"}"),
	    "channels.terminals.a b: a b is no name for a channel: letters, digits, dots, dashes and "
	    "underscores are");
}

static void channels_are_described(void **state)
{
	(void) state;
	struct error error = {0};
	cleanup_json json_t *settings =
	    resolve(NULL, TERMINALS("\"uart\":{\"device-path\":\"sysbus.usart1\",\"type\":\"pty\"}"), &error);
	cleanup_json json_t *channels = renode_config.describe_channels(settings);
	cleanup_free char *text = json_dumps(channels, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
	    text, "{\"gdb\":{\"kind\":\"gdb\",\"tied_to\":\"gdb\",\"type\":\"tcp\"},"
		  "\"robot\":{\"kind\":\"control\",\"tied_to\":\"robot\",\"type\":\"tcp\"},"
		  "\"uart\":{\"kind\":\"console\",\"tied_to\":\"sysbus.usart1\",\"type\":\"pty\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_target_beats_the_emulator),
	    cmocka_unit_test(a_terminals_type_beats_the_emulators),
	    cmocka_unit_test(what_cannot_be_is_refused_by_its_key),
	    cmocka_unit_test(channels_are_described),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
