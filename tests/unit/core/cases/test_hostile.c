/* What a console may hold that is no test's output, or too much of it. */

#include "support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *find_text(const char *text)
{
	return find(text, strlen(text), 0);
}

static void expect_none(json_t *found, const char *what)
{
	json_t *none = json_array();
	expect_cases(none, found, what);
	json_decref(none);
}

static void any_bytes_may_stand_in_names_and_messages(void **state)
{
	(void) state;
	static const char text[] = "\xff\xfe\0[ RUN      ] A.b\xc3\xa9\x01\n"
				   "bin\0ary \xff \xed\xa0\x80 caf\xc3\xa9\x07\n"
				   "[  FAILED  ] A.b\xc3\xa9\x01\n";
	for (size_t chunk = 0; chunk < 3; chunk++) {
		json_t *found = find(text, sizeof(text) - 1, chunk);
		assert_int_equal(json_array_size(found), 1);
		assert_string_equal(case_text(found, 0, "name"), "b\xc3\xa9\\x01");
		assert_string_equal(case_text(found, 0, "message"),
				    "bin\\x00ary \\xff \\xed\\xa0\\x80 caf\xc3\xa9\\x07");
		json_decref(found);
	}
}

static void random_bytes_are_no_cases(void **state)
{
	(void) state;
	enum { LENGTH = 1 << 20 };
	char *bytes = malloc(LENGTH);
	uint32_t random = 1;
	for (size_t i = 0; i < LENGTH; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (char) (random >> 24);
	}
	expect_none(find(bytes, LENGTH, 4096), "random");
	free(bytes);
}

static void a_line_of_megabytes_costs_no_memory(void **state)
{
	(void) state;
	char chunk[65536];
	memset(chunk, 'x', sizeof(chunk));
	struct cases *cases = cases_create(NULL);
	assert_int_equal(cases_feed(cases, "[ RUN      ] A.b\nvery long: ", 28, NULL), 0);
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < 256; i++)
		assert_int_equal(cases_feed(cases, chunk, sizeof(chunk), NULL), 0);
	assert_true(mallinfo2().uordblks < before + 128 * 1024);
	static const char end[] = "\n[  FAILED  ] A.b (1 ms)\n";
	assert_int_equal(cases_feed(cases, end, sizeof(end) - 1, NULL), 0);
	json_t *found = cases_to_json(cases);
	assert_int_equal(json_array_size(found), 1);
	assert_string_equal(case_text(found, 0, "result"), "failed");
	assert_int_equal(strncmp(case_text(found, 0, "message"), "very long: xxx", 14), 0);
	assert_true(strlen(case_text(found, 0, "message")) <= CASE_MESSAGE_BYTES + 64);
	json_decref(found);
	cases_destroy(cases);
}

static void a_long_message_is_cut_and_says_so(void **state)
{
	(void) state;
	enum { LINES = 2000 };
	char *text = malloc(LINES * 20 + 100);
	char *end = stpcpy(text, "[ RUN      ] A.b\n");
	for (int i = 0; i < LINES; i++)
		end += sprintf(end, "line number %4d\n", i);
	stpcpy(end, "[  FAILED  ] A.b (1 ms)\n");
	json_t *found = find_text(text);
	const char *message = case_text(found, 0, "message");
	char *said = NULL;
	assert_true(asprintf(&said, "\n(cut: %d bytes more)", LINES * 17 - 1 - CASE_MESSAGE_BYTES) > 0);
	assert_string_equal(message + CASE_MESSAGE_BYTES, said);
	free(said);
	json_decref(found);
	free(text);
}

static void a_long_name_is_cut_and_says_so(void **state)
{
	(void) state;
	char name[2001] = {0}, text[2100];
	memset(name, 'n', sizeof(name) - 1);
	snprintf(text, sizeof(text), "[ RUN      ] A.%s\n[       OK ] A.%s\n", name, "short");
	json_t *found = find_text(text);
	assert_int_equal(strlen(case_text(found, 0, "name")), CASE_NAME_BYTES);
	assert_int_equal(strcmp(case_text(found, 0, "name") + CASE_NAME_BYTES - 3, "\xe2\x80\xa6"), 0);
	json_decref(found);
}

static void cases_beyond_the_most_are_counted(void **state)
{
	(void) state;
	enum { MORE = 5 };
	struct cases *cases = cases_create(NULL);
	char line[64];
	for (int i = 0; i < CASES_MOST + MORE; i++) {
		int length = snprintf(line, sizeof(line), "[  FAILED  ] A.b%d (1 ms)\n", i);
		assert_int_equal(cases_feed(cases, line, (size_t) length, NULL), 0);
	}
	json_t *found = cases_to_json(cases);
	assert_int_equal(json_array_size(found), CASES_MOST + 1);
	assert_string_equal(case_text(found, CASES_MOST, "result"), "failed");
	assert_string_equal(case_text(found, CASES_MOST, "message"),
			    "5 more, of which 5 failed: a run tells 20000 at most");
	json_decref(found);
	cases_destroy(cases);
}

static void messages_share_one_room(void **state)
{
	(void) state;
	struct cases *cases = cases_create(NULL);
	char body[16 * 1024];
	memset(body, 'm', sizeof(body));
	body[sizeof(body) - 1] = '\n';
	for (int i = 0; i < 1000; i++) {
		static const char begin[] = "[ RUN      ] A.b\n", end[] = "[  FAILED  ] A.b\n";
		cases_feed(cases, begin, sizeof(begin) - 1, NULL);
		cases_feed(cases, body, sizeof(body), NULL);
		cases_feed(cases, end, sizeof(end) - 1, NULL);
	}
	json_t *found = cases_to_json(cases);
	assert_int_equal(json_array_size(found), 1000);
	assert_int_equal(strlen(case_text(found, 0, "message")), sizeof(body) - 1);
	assert_int_equal(strncmp(case_text(found, 999, "message"), "(left out: ", 11), 0);
	json_decref(found);
	cases_destroy(cases);
}

static void a_plan_of_a_billion_is_not_believed(void **state)
{
	(void) state;
	json_t *found = find_text("TAP version 13\n1..1000000000\nok 1 - one\nok 999999999 - last\n");
	assert_int_equal(json_array_size(found), 2);
	json_decref(found);
}

static void what_looks_like_tap_without_a_plan_is_none(void **state)
{
	(void) state;
	static const char *const rows[] = {
	    "ok 1 - one\nok 2 - two\n",
	    "ok 1 - one\nok 2 - two\n1..3\n",
	    "ok 2 - two\n1..2\n",
	    "ok 1 - one\nok 1 - one\n1..1x\n",
	    "1..2\nok\n",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_none(find_text(rows[i]), rows[i]);
}

static void a_format_may_begin_in_the_middle(void **state)
{
	(void) state;
	json_t *found = find_text("0..[       OK ] Late.Joiner (3 ms)\n[  FAILED  ] Brief.Mode (0 ms)\n");
	assert_int_equal(json_array_size(found), 2);
	assert_string_equal(case_text(found, 0, "name"), "Joiner");
	assert_string_equal(case_text(found, 1, "result"), "failed");
	json_decref(found);
}

static void a_last_line_needs_no_end(void **state)
{
	(void) state;
	json_t *found = find_text("[ RUN      ] A.b\n[       OK ] A.b");
	assert_int_equal(json_array_size(found), 1);
	assert_string_equal(case_text(found, 0, "result"), "passed");
	json_decref(found);
}

static void nothing_is_nothing(void **state)
{
	(void) state;
	expect_none(find("", 0, 0), "nothing");
	expect_none(find("\n\r\n\r", 4, 1), "blank lines");
	cases_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_bytes_may_stand_in_names_and_messages),
	    cmocka_unit_test(random_bytes_are_no_cases),
	    cmocka_unit_test(a_line_of_megabytes_costs_no_memory),
	    cmocka_unit_test(a_long_message_is_cut_and_says_so),
	    cmocka_unit_test(a_long_name_is_cut_and_says_so),
	    cmocka_unit_test(cases_beyond_the_most_are_counted),
	    cmocka_unit_test(messages_share_one_room),
	    cmocka_unit_test(a_plan_of_a_billion_is_not_believed),
	    cmocka_unit_test(what_looks_like_tap_without_a_plan_is_none),
	    cmocka_unit_test(a_format_may_begin_in_the_middle),
	    cmocka_unit_test(a_last_line_needs_no_end),
	    cmocka_unit_test(nothing_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
