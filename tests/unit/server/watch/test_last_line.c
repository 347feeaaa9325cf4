#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/watch/last_line.h"

#include <string.h>

static void expect_line(const char *bytes, size_t length, const char *expected)
{
	cleanup_free char *line = last_line_find(bytes, length);
	assert_string_equal(line, expected);
}

#define EXPECT(bytes, expected) expect_line(bytes, sizeof(bytes) - 1, expected)

static void test_the_newest_line_counts(void **state)
{
	(void) state;
	EXPECT("", "");
	EXPECT("one\ntwo\n", "two");
	EXPECT("one\ntwo", "two");
	EXPECT("one\r\ntwo\r\n", "two");
	EXPECT("one\n\n  \n\t\r\n", "one");
	EXPECT("\n\r\n", "");
}

static void test_what_was_written_over_is_gone(void **state)
{
	(void) state;
	EXPECT("10 %\r20 %\r30 %", "30 %");
	EXPECT("10 %\r20 %\r", "20 %");
}

static void test_control_characters_and_escape_sequences_are_removed(void **state)
{
	(void) state;
	EXPECT("\33[1;31mred\33[0m \33(Bplain\7\b\177", "red plain");
	EXPECT("\33]0;title\7shell \33]2;other\33\\$", "shell $");
	EXPECT("a\tb\0c", "a bc");
	EXPECT("done\n\33[2J\33[H\33[?25l", "done");
	EXPECT("done\n\33]0;no end", "done");
	EXPECT("done\n\33[31", "done");
	EXPECT("done\n\33", "done");
	EXPECT("x\xc2\x9b"
	       "31my\xc2\xa0z",
	       "x31my\xc2\xa0z");
	EXPECT("\33[3\xc3\xbc", "\xc3\xbc");
}

static void test_any_bytes_become_utf_8(void **state)
{
	(void) state;
	EXPECT("gr\xc3\xbc\xc3\x9f"
	       "e\n",
	       "gr\xc3\xbc\xc3\x9f"
	       "e");
	EXPECT("a\xff"
	       "b\xc3",
	       "a\xef\xbf\xbd"
	       "b\xef\xbf\xbd");
}

static void test_a_line_is_bounded_in_characters(void **state)
{
	(void) state;
	char bytes[4 * LAST_LINE_CHARACTERS];
	for (size_t i = 0; i < sizeof(bytes); i += 2)
		memcpy(bytes + i, "\xc3\xa4", 2);
	cleanup_free char *line = last_line_find(bytes, sizeof(bytes));
	assert_int_equal(strlen(line), 2 * LAST_LINE_CHARACTERS);
	assert_true(text_is_utf8(line, strlen(line)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_newest_line_counts),
	    cmocka_unit_test(test_what_was_written_over_is_gone),
	    cmocka_unit_test(test_control_characters_and_escape_sequences_are_removed),
	    cmocka_unit_test(test_any_bytes_become_utf_8),
	    cmocka_unit_test(test_a_line_is_bounded_in_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
