#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/json.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

/* From memory that ends where the text does, as the sanitizer sees. */
static json_t *parse(const char *text)
{
	size_t length = strlen(text);
	char *exact = malloc(length ? length : 1);
	memcpy(exact, text, length);
	struct error error = {0};
	json_t *json = json_parse(exact, length, &error);
	if (!json)
		assert_string_equal(error.code, "invalid_json");
	free(exact);
	return json;
}

static void expect(const char *text, const char *wanted)
{
	cleanup_json json_t *json = parse(text);
	if (!wanted) {
		assert_null(json);
		return;
	}
	assert_non_null(json);
	cleanup_free char *found = json_to_text(json);
	assert_string_equal(found, wanted);
}

static void integers_beyond_64_bits_become_strings(void **state)
{
	(void) state;
	expect("9223372036854775807", "9223372036854775807");
	expect("-9223372036854775808", "-9223372036854775808");
	expect("9223372036854775808", "\"9223372036854775808\"");
	expect("-9223372036854775809", "\"-9223372036854775809\"");
	expect("18446744073709551615", "\"18446744073709551615\"");
	expect("[1,18446744073709551615 ,{\"a\":-99999999999999999999}]",
	       "[1,\"18446744073709551615\",{\"a\":\"-99999999999999999999\"}]");
	expect("{\"a\":18446744073709551615,\"b\":18446744073709551615}",
	       "{\"a\":\"18446744073709551615\",\"b\":\"18446744073709551615\"}");
}

static void digits_inside_strings_stay(void **state)
{
	(void) state;
	expect("\"18446744073709551615\"", "\"18446744073709551615\"");
	expect("{\"18446744073709551615\":\"a\\\"18446744073709551615\"}",
	       "{\"18446744073709551615\":\"a\\\"18446744073709551615\"}");
	expect("[\"\\\\\",18446744073709551615]", "[\"\\\\\",\"18446744073709551615\"]");
}

static void reals_stay_reals(void **state)
{
	(void) state;
	expect("[18446744073709551615.5]", "[1.8446744073709552e19]");
	expect("[18446744073709551615e2]", "[1.8446744073709552e21]");
	expect("1e999", NULL);
}

static void reals_are_told_as_briefly_as_they_read_back(void **state)
{
	(void) state;
	expect("[0.041,{\"a\":[2.0,1e300,0.1]}]", "[0.041,{\"a\":[2.0,1e300,0.1]}]");
	expect("[0.30000000000000004]", "[0.30000000000000004]");
}

static void what_is_not_json_is_refused(void **state)
{
	(void) state;
	static const char *const bad[] = {"",
					  "{",
					  "[1,]",
					  "{\"a\":1,\"a\":2}",
					  "\"\\ud800\"",
					  "\"\xff\"",
					  "nul",
					  "1 2",
					  "\"18446744073709551615",
					  "\"a\\",
					  "000000000000000000000000001",
					  "-000000000000000000000000001",
					  "-",
					  "- 18446744073709551615",
					  "18446744073709551615-18446744073709551615"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(bad[i], NULL);
}

static void deep_nesting_is_an_error_not_an_end(void **state)
{
	(void) state;
	enum { DEPTH = 100000 };
	char *text = malloc(DEPTH + 1);
	memset(text, '[', DEPTH);
	text[DEPTH] = '\0';
	expect(text, NULL);
	free(text);
}

static void members_of_another_type_are_the_fallback(void **state)
{
	(void) state;
	cleanup_json json_t *json = parse("{\"s\":\"x\",\"i\":5,\"r\":2.5,\"b\":true,\"n\":null}");
	assert_string_equal(json_member_string(json, "s", "-"), "x");
	assert_string_equal(json_member_string(json, "i", "-"), "-");
	assert_string_equal(json_member_string(NULL, "s", "-"), "-");
	assert_int_equal(json_member_integer(json, "i", -1), 5);
	assert_int_equal(json_member_integer(json, "r", -1), -1);
	assert_int_equal(json_member_integer(json, "n", -1), -1);
	assert_true(json_member_real(json, "i", 0) == 5.0);
	assert_true(json_member_real(json, "r", 0) == 2.5);
	assert_true(json_member_real(json, "s", -1) == -1.0);
	assert_true(json_member_boolean(json, "b", false));
	assert_true(json_member_boolean(json, "i", true));
}

static void text_of_any_bytes_is_a_string(void **state)
{
	(void) state;
	cleanup_json json_t *json = json_text("a\xff\0b", 4);
	assert_string_equal(json_string_value(json), "a\xef\xbf\xbd\xef\xbf\xbd"
						     "b");
}

static void vectors_go_both_ways(void **state)
{
	(void) state;
	cleanup_json json_t *json = parse("[\"a\",\"\"]");
	cleanup_text_vector char **vector = json_to_text_vector(json);
	assert_int_equal(text_vector_length(vector), 2);
	cleanup_json json_t *back = json_from_text_vector((const char *const *) vector);
	assert_true(json_equal(json, back));
	cleanup_json json_t *mixed = parse("[\"a\",1]");
	assert_null(json_to_text_vector(mixed));
	assert_null(json_to_text_vector(NULL));
	cleanup_json json_t *none = json_from_text_vector(NULL);
	assert_int_equal(json_array_size(none), 0);
}

static void a_fault_stays_one_where_its_text_was_cut(void **state)
{
	(void) state;
	cleanup_json json_t *none = json_text_of(NULL);
	assert_true(json_is_null(none));
	cleanup_json json_t *faults = NULL;
	json_add_fault(&faults, "/\xc3\xa4\xc3", "is \xff");
	json_add_fault(&faults, "", "is required");
	cleanup_json json_t *expected =
	    parse("[{\"pointer\": \"/\xc3\xa4\\ufffd\", \"detail\": \"is \\ufffd\"},"
		  " {\"pointer\": \"\", \"detail\": \"is required\"}]");
	assert_true(json_equal(faults, expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_beyond_64_bits_become_strings),
	    cmocka_unit_test(digits_inside_strings_stay),
	    cmocka_unit_test(reals_stay_reals),
	    cmocka_unit_test(reals_are_told_as_briefly_as_they_read_back),
	    cmocka_unit_test(what_is_not_json_is_refused),
	    cmocka_unit_test(deep_nesting_is_an_error_not_an_end),
	    cmocka_unit_test(members_of_another_type_are_the_fallback),
	    cmocka_unit_test(text_of_any_bytes_is_a_string),
	    cmocka_unit_test(vectors_go_both_ways),
	    cmocka_unit_test(a_fault_stays_one_where_its_text_was_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
