#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/json_lines.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <string.h>

static int feed(struct json_lines *lines, const char *text)
{
	return json_lines_feed(lines, text, strlen(text), NULL);
}

static json_int_t next_integer(struct json_lines *lines)
{
	struct error error;
	cleanup_json json_t *json = json_lines_next(lines, &error);
	return json ? json_integer_value(json_object_get(json, "n")) : error.number;
}

static void two_lines_split_at_every_byte_are_two_values(void **state)
{
	(void) state;
	static const char text[] = "{\"n\":1}\r\n\n \t\n{\"n\":2}\n";
	for (size_t split = 0; split < sizeof(text); split++) {
		struct json_lines lines;
		json_int_t found[3] = {0};
		size_t count = 0;
		json_lines_init(&lines, 64);
		for (int part = 0; part < 2; part++) {
			const char *from = part ? text + split : text;
			assert_int_equal(
			    json_lines_feed(&lines, from, part ? sizeof(text) - 1 - split : split, NULL), 0);
			for (json_int_t value; (value = next_integer(&lines)) != 0;)
				found[count++] = value;
		}
		assert_int_equal(count, 2);
		assert_int_equal(found[0], 1);
		assert_int_equal(found[1], 2);
		json_lines_finish(&lines);
		if (split == sizeof(text) - 1)
			break;
	}
}

static void a_line_that_is_not_json_is_told_and_passed(void **state)
{
	(void) state;
	struct json_lines lines;
	json_lines_init(&lines, 64);
	assert_int_equal(feed(&lines, "nonsense\n{\"n\":3}\n"), 0);
	assert_int_equal(next_integer(&lines), -EINVAL);
	assert_int_equal(next_integer(&lines), 3);
	assert_int_equal(next_integer(&lines), 0);
	assert_int_equal(json_lines_feed(&lines, "\0\n{\"n\":4}\n", 10, NULL), 0);
	assert_int_equal(next_integer(&lines), -EINVAL);
	assert_int_equal(next_integer(&lines), 4);
	json_lines_finish(&lines);
}

static void a_line_may_be_as_long_as_the_limit(void **state)
{
	(void) state;
	struct json_lines lines;
	json_lines_init(&lines, 7);
	assert_int_equal(feed(&lines, "{\"n\":5}"), 0);
	assert_int_equal(feed(&lines, "\n"), 0);
	assert_int_equal(next_integer(&lines), 5);
	assert_int_equal(feed(&lines, "{\"n\":5}\n{\"n\":6}\n"), 0);
	assert_int_equal(next_integer(&lines), 5);
	assert_int_equal(next_integer(&lines), 6);
	json_lines_finish(&lines);
}

static void a_longer_line_is_an_error(void **state)
{
	(void) state;
	struct json_lines lines;
	json_lines_init(&lines, 7);
	assert_int_equal(feed(&lines, "{\"n\":55}"), -EMSGSIZE);
	json_lines_finish(&lines);
	json_lines_init(&lines, 7);
	assert_int_equal(feed(&lines, "{\"n\":5}\n{\"n\":66}\n{\"n\":7}\n"), 0);
	assert_int_equal(next_integer(&lines), 5);
	assert_int_equal(next_integer(&lines), -EMSGSIZE);
	assert_int_equal(next_integer(&lines), 7);
	json_lines_finish(&lines);
}

static void many_blank_lines_cost_little(void **state)
{
	(void) state;
	static char blanks[4 << 20];
	struct json_lines lines;
	memset(blanks, '\n', sizeof(blanks));
	json_lines_init(&lines, 64);
	for (int round = 0; round < 4; round++) {
		assert_int_equal(json_lines_feed(&lines, blanks, sizeof(blanks), NULL), 0);
		assert_int_equal(feed(&lines, "{\"n\":9"), 0);
		assert_int_equal(next_integer(&lines), 0);
		assert_int_equal(lines.pending.length, 6);
		assert_int_equal(feed(&lines, "}\n"), 0);
		assert_int_equal(next_integer(&lines), 9);
	}
	json_lines_finish(&lines);
}

static void a_value_is_written_as_one_line(void **state)
{
	(void) state;
	cleanup_buffer struct buffer out = {0};
	cleanup_json json_t *json = json_pack("{s:s}", "a", "two\nlines");
	assert_int_equal(json_lines_append(&out, json), 0);
	assert_int_equal(json_lines_append(&out, json), 0);
	assert_string_equal(out.data, "{\"a\":\"two\\nlines\"}\n{\"a\":\"two\\nlines\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_lines_split_at_every_byte_are_two_values),
	    cmocka_unit_test(a_line_that_is_not_json_is_told_and_passed),
	    cmocka_unit_test(a_line_may_be_as_long_as_the_limit),
	    cmocka_unit_test(a_longer_line_is_an_error),
	    cmocka_unit_test(many_blank_lines_cost_little),
	    cmocka_unit_test(a_value_is_written_as_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
