#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/emulators/renode/names.h"
#include "core/emulators/renode/value.h"

static void expect_parsed(const char *text, const char *type, const char *expected)
{
	cleanup_json json_t *value = renode_value_parse(text, type);
	cleanup_free char *found = json_dumps(value, JSON_ENCODE_ANY);
	assert_non_null(found);
	assert_string_equal(found, expected);
}

static void numbers_are_read_padded_or_not(void **state)
{
	(void) state;
	expect_parsed("0x0000E0D1", "UInt32", "57553");
	expect_parsed("0xE0D1", "UInt32", "57553");
	expect_parsed("0x00000000", "UInt32", "0");
	expect_parsed("0x7FFFFFFFFFFFFFFF", "UInt64", "9223372036854775807");
	expect_parsed("0xFFFFFFFFFFFFFFFF", "UInt64", "\"18446744073709551615\"");
	expect_parsed("125", "Int32", "125");
	expect_parsed("-1", "Int32", "-1");
	expect_parsed("2.5", "Double", "2.5");
}

static void booleans_and_text_are_told_apart(void **state)
{
	(void) state;
	expect_parsed("True", "Boolean", "true");
	expect_parsed("False", "Boolean", "false");
	expect_parsed("True", "String", "\"True\"");
	expect_parsed("0x12", "String", "\"0x12\"");
	expect_parsed("", "String", "\"\"");
	expect_parsed("0x", "Object", "\"0x\"");
	expect_parsed("0x10000000000000000", "Object", "\"0x10000000000000000\"");
}

static void an_enumeration_is_its_value_alone(void **state)
{
	(void) state;
	expect_parsed("Even\r\n\r\nPossible values are:\r\n\tNone\r\n\tEven\r\n", "Parity", "\"Even\"");
	expect_parsed("Even\n\nPossible values are:\n\tNone\n\tEven", "Parity", "\"Even\"");
}

static void expect_written(const char *json, const char *type, const char *expected)
{
	struct error error = {0};
	cleanup_json json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	cleanup_free char *words = renode_value_format(value, type, &error);
	assert_non_null(value);
	assert_string_equal(words ? words : error.message, expected);
}

static void values_are_written_as_the_monitor_reads_them(void **state)
{
	(void) state;
	expect_written("125", "UInt32", "125");
	expect_written("-7", "Int32", "-7");
	expect_written("2.5", "Double", "2.5");
	expect_written("true", "Boolean", "true");
	expect_written("\"18446744073709551615\"", "UInt64", "18446744073709551615");
	expect_written("\"0xFF\"", "UInt32", "0xFF");
	expect_written("\"Even\"", "Parity", "Even");
	expect_written("\"Even\"", "String", "\"Even\"");
	expect_written("\"125\"", "String", "\"125\"");
	expect_written("\"abc\"", "UInt32", "abc");
}

static void a_value_stays_one_word(void **state)
{
	(void) state;
	expect_written("\"a; quit\"", "Parity", "\"a; quit\"");
	expect_written("\"1; quit\"", "UInt32", "\"1; quit\"");
	expect_written("\"say \\\"a\\\\b\\\"\"", "String", "\"say \\\"a\\\\b\\\"\"");
	expect_written("\"a\\nquit\"", "String", "Renode's monitor takes no control characters in a string");
}

static void other_values_are_refused(void **state)
{
	(void) state;
	static const char *const values[] = {"null", "[1]", "{\"a\":1}"};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		expect_written(values[i], "UInt32", "Renode's properties are numbers, booleans and strings");
}

static void paths_are_words_with_dots(void **state)
{
	(void) state;
	assert_true(renode_is_object_path("sysbus.usart1"));
	assert_true(renode_is_object_path("sysbus.i2c1.sensor_2"));
	assert_true(renode_is_object_path("sysbus"));
	assert_true(renode_is_object_path("machine"));
	static const char *const others[] = {"",
					     "quit",
					     "sysbus.",
					     ".a",
					     "sysbus..a",
					     "sysbus.a b",
					     "sysbus.a; quit",
					     "sysbus.a\nquit",
					     "sysbus.usart1 Reset",
					     "sysbus.1a",
					     "$a.b",
					     "/machine"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(renode_is_object_path(others[i]));
	assert_true(renode_is_member_name("BaudRate"));
	assert_false(renode_is_member_name("Baud Rate"));
	assert_false(renode_is_member_name("a.b"));
	assert_false(renode_is_member_name(""));
}

static void files_are_tokens(void **state)
{
	(void) state;
	cleanup_free char *plain = renode_path_token("platforms/boards/a.repl");
	cleanup_free char *marked = renode_path_token("@platforms/a.repl");
	cleanup_free char *spaced = renode_path_token("/my boards/a.repl");
	assert_string_equal(plain, "@platforms/boards/a.repl");
	assert_string_equal(marked, "@platforms/a.repl");
	assert_string_equal(spaced, "@/my\\ boards/a.repl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_read_padded_or_not),
	    cmocka_unit_test(booleans_and_text_are_told_apart),
	    cmocka_unit_test(an_enumeration_is_its_value_alone),
	    cmocka_unit_test(values_are_written_as_the_monitor_reads_them),
	    cmocka_unit_test(a_value_stays_one_word),
	    cmocka_unit_test(other_values_are_refused),
	    cmocka_unit_test(paths_are_words_with_dots),
	    cmocka_unit_test(files_are_tokens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
