#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/text.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_utf8(const char *bytes, size_t length, const char *text)
{
	assert_int_equal(text_is_utf8(bytes, length), strlen(text) == length && !memcmp(text, bytes, length));
	char *found = text_to_utf8(bytes, length);
	assert_string_equal(found, text);
	free(found);
}

#define R "\xef\xbf\xbd"

static void utf8_is_what_the_standard_says(void **state)
{
	(void) state;
	static const struct {
		const char *bytes, *text;
	} rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"\xc2\x80", "\xc2\x80"},
	    {"\xdf\xbf", "\xdf\xbf"},
	    {"\xe0\xa0\x80", "\xe0\xa0\x80"},
	    {"\xed\x9f\xbf", "\xed\x9f\xbf"},
	    {"\xee\x80\x80", "\xee\x80\x80"},
	    {"\xef\xbf\xbf", "\xef\xbf\xbf"},
	    {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	    /* overlong */
	    {"\xc0\xaf", R R},
	    {"\xc1\xbf", R R},
	    {"\xe0\x9f\xbf", R R R},
	    {"\xf0\x8f\xbf\xbf", R R R R},
	    /* surrogates, beyond the last */
	    {"\xed\xa0\x80", R R R},
	    {"\xf4\x90\x80\x80", R R R R},
	    {"\xf5\x80\x80\x80", R R R R},
	    {"\xff", R},
	    /* cut short, alone */
	    {"a\xc3", "a" R},
	    {"\xe2\x82", R R},
	    {"\xf0\x9f\x98", R R R},
	    {"\x80z", R "z"},
	    {"\xe2\x82z", R R "z"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_utf8(rows[i].bytes, strlen(rows[i].bytes), rows[i].text);
	expect_utf8("a\0b", 3, "a" R "b");
}

static void what_xml_cannot_hold_is_made_visible(void **state)
{
	(void) state;
	static const struct {
		const char *bytes;
		size_t length;
		const char *text;
	} rows[] = {
	    {"", 0, ""},
	    {"a\tb\nc \x7f <&>\\x00", 12, "a\tb\nc \x7f <&>\\"},
	    {"a\0b\x01\x1b\r", 6, "a\\x00b\\x01\\x1b\\x0d"},
	    {"\xc3\xa9\xff\xc3", 4, "\xc3\xa9\\xff\\xc3"},
	    {"\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf", 9, "\xef\xbf\xbd\\xef\\xbf\\xbe\\xef\\xbf\\xbf"},
	    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
	    {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *found = text_to_visible(rows[i].bytes, rows[i].length);
		assert_string_equal(found, rows[i].text);
		free(found);
	}
}

static void an_id_has_letters_and_at_most_63(void **state)
{
	(void) state;
	static const char *const good[] = {"a", "Z", "7", "a.b-c_d",
					   "012345678901234567890123456789012345678901234567890123456789012"};
	static const char *const bad[] = {
	    "",    ".",
	    "..",  "-a",
	    "_a",  "a/b",
	    "a b", "\xc3\xa4",
	    "a\n", "0123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(text_is_id(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(text_is_id(bad[i]));
}

static void integers_are_whole_and_in_range(void **state)
{
	(void) state;
	int64_t value = 7;
	assert_int_equal(text_to_int64("-9223372036854775808", &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(text_to_int64("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	value = 7;
	assert_int_equal(text_to_int64("9223372036854775808", &value), -ERANGE);
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "0x1", "1.0", "--1", "1e3"};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(text_to_int64(bad[i], &value), -EINVAL);
	assert_int_equal(value, 7);
	uint64_t natural = 7;
	assert_int_equal(text_to_uint64("18446744073709551615", &natural), 0);
	assert_true(natural == UINT64_MAX);
	natural = 7;
	assert_int_equal(text_to_uint64("18446744073709551616", &natural), -ERANGE);
	assert_int_equal(text_to_uint64("-1", &natural), -EINVAL);
	assert_int_equal(natural, 7);
}

static void reals_are_finite_whatever_the_locale(void **state)
{
	(void) state;
	double value = 7;
	setlocale(LC_ALL, "de_DE.UTF-8");
	assert_int_equal(text_to_double("-1.5e2", &value), 0);
	assert_true(value == -150.0);
	value = 7;
	static const char *const bad[] = {"", "nan", "inf", "0x1p3", "1,5", " 1", "1 ", ".", "e5", "1e"};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(text_to_double(bad[i], &value), -EINVAL);
	assert_int_equal(text_to_double("1e999", &value), -ERANGE);
	assert_true(value == 7);
}

static void the_nearest_is_near(void **state)
{
	(void) state;
	static const char *const names[] = {"paused", "debug", "labels", NULL};
	assert_string_equal(text_nearest("pasued", names), "paused");
	assert_string_equal(text_nearest("label", names), "labels");
	assert_null(text_nearest("frobnicate", names));
	assert_null(text_nearest("paused", NULL));
	char wide[200];
	memset(wide, 'p', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_null(text_nearest(wide, names));
}

static void null_equals_null_alone(void **state)
{
	(void) state;
	assert_true(text_equal(NULL, NULL));
	assert_false(text_equal(NULL, ""));
	assert_true(text_equal("a", "a"));
	assert_true(text_starts_with("abc", ""));
	assert_true(text_starts_with("abc", "abc"));
	assert_false(text_starts_with("ab", "abc"));
}

static void vectors_grow_from_nothing(void **state)
{
	(void) state;
	char **vector = NULL;
	assert_int_equal(text_vector_length(vector), 0);
	assert_int_equal(text_vector_append(&vector, "a"), 0);
	assert_int_equal(text_vector_append(&vector, ""), 0);
	char **copy = text_vector_copy((const char *const *) vector);
	assert_int_equal(text_vector_length(copy), 2);
	assert_string_equal(copy[0], "a");
	assert_ptr_not_equal(copy[0], vector[0]);
	text_vector_free(vector);
	text_vector_free(copy);
	copy = text_vector_copy(NULL);
	assert_non_null(copy);
	assert_null(copy[0]);
	text_vector_free(copy);
	text_vector_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8_is_what_the_standard_says),
	    cmocka_unit_test(what_xml_cannot_hold_is_made_visible),
	    cmocka_unit_test(an_id_has_letters_and_at_most_63),
	    cmocka_unit_test(integers_are_whole_and_in_range),
	    cmocka_unit_test(reals_are_finite_whatever_the_locale),
	    cmocka_unit_test(the_nearest_is_near),
	    cmocka_unit_test(null_equals_null_alone),
	    cmocka_unit_test(vectors_grow_from_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
