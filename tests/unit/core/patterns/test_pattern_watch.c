#include "support.h"

#include <stdlib.h>
#include <string.h>

/* assert_match and its like try every size of chunk: each border lies between any two bytes once. */

static void the_match_that_is_complete_first_stands(void **state)
{
	(void) state;
	assert_match(SET("FAILED", "PASSED"), TEXT("..PASSED FAILED"), 1, 2, 8, false);
	/* It begins later, but is complete before. */
	assert_match(SET("a.*z", "c"), TEXT("xabcdz"), 1, 3, 4, false);
	/* Complete with the same byte: what begins first, then what stands first. */
	assert_match(SET("bc", "abc"), TEXT("xabc"), 1, 1, 4, false);
	assert_match(SET("bc", "b[c]"), TEXT("xabc"), 0, 2, 4, false);
	assert_no_match(SET("abd", "bcb"), TEXT("xabc"));
}

static void a_greedy_match_takes_what_is_there(void **state)
{
	(void) state;
	struct pattern_set *set = SET("\\d+");
	struct outcome whole = run(set, TEXT("x1234 "), 0), bytes = run(set, TEXT("x1234 "), 1);
	assert_string_equal(whole.text, "1234");
	assert_string_equal(bytes.text, "1");
	assert_int_equal(whole.start, bytes.start);
	pattern_set_unref(set);
}

static void lines_begin_after_each_kind_of_end(void **state)
{
	(void) state;
	assert_match(SET("^ok"), TEXT("not ok\nok"), 0, 7, 9, false);
	assert_match(SET("^ok"), TEXT("not ok\r\nok"), 0, 8, 10, false);
	assert_match(SET("^ok"), TEXT("not ok\rok"), 0, 7, 9, false);
	assert_match(SET("^ok"), TEXT("ok"), 0, 0, 2, false);
	assert_no_match(SET("^ok"), TEXT("not ok"));
	assert_match(SET("x\\n^y"), TEXT("x\ny"), 0, 0, 3, false);
	assert_match(SET("x\\r\\n^"), TEXT("x\r\ny"), 0, 0, 3, false);
}

static void lines_end_before_each_kind_of_end(void **state)
{
	(void) state;
	assert_match(SET("ok$"), TEXT("ok?ok\n"), 0, 3, 5, false);
	assert_match(SET("ok$"), TEXT("ok?ok\r\n"), 0, 3, 5, false);
	assert_match(SET("ok$"), TEXT("ok?ok\r"), 0, 3, 5, false);
	assert_match(SET("^ok$"), TEXT("okay\r\nok\r\nno"), 0, 6, 8, false);
	assert_match(SET("ok.$"), TEXT("ok\r\nok.\r\n"), 0, 4, 7, false);
	assert_no_match(SET("ok$"), TEXT("okay"));
}

static void what_waits_for_a_byte_is_decided_by_it_or_by_the_end(void **state)
{
	(void) state;
	assert_match(SET("ok$"), TEXT("so ok"), 0, 3, 5, true);
	assert_match(SET("\\bok\\b"), TEXT("so ok"), 0, 3, 5, true);
	assert_match(SET("\\bok\\b"), TEXT("so ok!"), 0, 3, 5, false);
	assert_match(SET("ok(?!ay)"), TEXT("okay ok"), 0, 5, 7, true);
	assert_match(SET("ok(?!ay)"), TEXT("okay okey"), 0, 5, 7, false);
	assert_match(SET("ok(?= then)"), TEXT("ok the ok then"), 0, 7, 9, false);
	assert_match(SET("a(?>b+)b?c?"), TEXT("xabb"), 0, 1, 4, true);
	assert_match(SET("end\\z"), TEXT("end end"), 0, 4, 7, true);
	/* Of two the end decides: where it begins, then its place. */
	assert_match(SET("ok\\b", "is ok\\b", "i"), TEXT("ts ok"), 0, 3, 5, true);
	assert_match(SET("ok\\b", "s ok\\b"), TEXT("ts ok"), 1, 1, 5, true);
	assert_no_match(SET("\\bok\\b"), TEXT("token"));
}

static void what_is_undecided_hides_nothing_behind_it(void **state)
{
	(void) state;
	char output[3000];
	memset(output, '.', sizeof(output));
	output[0] = 'a';
	memcpy(output + 2000, "ERROR!", 6);
	/* The first alternative begins at once and is never decided. */
	struct pattern_set *soft = SET("(?s)a.*z|ERROR"), *hard = SET("(?s)a[^z]*z\\b|ERROR\\b");
	for (size_t chunk = 1; chunk <= sizeof(output); chunk = chunk * 3 + 1) {
		assert_int_equal(run(soft, (struct text){output, sizeof(output)}, chunk).start, 2000);
		struct outcome outcome = run(hard, (struct text){output, sizeof(output)}, chunk);
		assert_int_equal(outcome.start, 2000);
		assert_false(outcome.is_of_end);
	}
	pattern_set_unref(soft);
	pattern_set_unref(hard);
}

static void lookbehind_reaches_over_chunks(void **state)
{
	(void) state;
	assert_match(SET("(?<=login: )\\w"), TEXT("login:x login: y"), 0, 15, 16, false);
	assert_match(SET("(?<!un)known"), TEXT("unknown known"), 0, 8, 13, false);
	assert_match(SET("c(?<=abc)x"), TEXT("bcx abcx"), 0, 6, 8, false);
	assert_match(SET("\\Aab"), TEXT("ab"), 0, 0, 2, false);
	assert_no_match(SET("\\Aab"), TEXT("cab ab\nab"));
	assert_no_match(SET("(?<=\\Ax)ab"), TEXT("cab ab xab"));
}

static void a_reading_within_the_stream_sees_what_stands_before(void **state)
{
	(void) state;
	struct pattern_set *set = SET("^two", "(?<=one )three", "\\Afour", "\\bfive");
	size_t chunk = 1;
	assert_int_equal(feed(set, TEXT("one two"), 4, &chunk, 1).result, 0);
	assert_int_equal(feed(set, TEXT("one\ntwo"), 4, &chunk, 1).start, 4);
	assert_int_equal(feed(set, TEXT("one three"), 4, &chunk, 1).start, 4);
	assert_int_equal(feed(set, TEXT("four four"), 5, &chunk, 1).result, 0);
	assert_int_equal(feed(set, TEXT("four four"), 0, &chunk, 1).start, 0);
	assert_int_equal(feed(set, TEXT("xfive"), 1, &chunk, 1).result, 0);
	/* What lies before is no part of a match. */
	assert_int_equal(feed(set, TEXT("\ntwo"), 2, &chunk, 1).result, 0);
	pattern_set_unref(set);
}

static void groups_come_in_order(void **state)
{
	(void) state;
	struct pattern_set *set = SET("(\\w+)=(?:(\\d+)|(x+));()");
	struct outcome outcome = run(set, TEXT("a=1 key=xx;"), 0);
	assert_string_equal(outcome.text, "key=xx;");
	assert_int_equal(outcome.group_count, 4);
	assert_string_equal(outcome.groups[0], "key");
	assert_string_equal(outcome.groups[1], "-");
	assert_string_equal(outcome.groups[2], "xx");
	assert_string_equal(outcome.groups[3], "");
	pattern_set_unref(set);
}

static void what_k_leaves_out_is_no_part_of_the_match(void **state)
{
	(void) state;
	assert_match(SET("id: \\K\\d;"), TEXT("x id: 7;"), 0, 6, 8, false);
	assert_match(SET("id: \\K\\d;\\b", "y"), TEXT("x id: 7;z"), 0, 6, 8, false);
}

static void bytes_are_bytes(void **state)
{
	(void) state;
	assert_match(SET("\\x00\\xff+\\x80"), TEXT("\x00\x00\xff\xff\x80"), 0, 1, 5, false);
	assert_match(SET("(?s)a.b"),
		     TEXT("\xc3"
			  "a\x00"
			  "b"),
		     0, 1, 4, false);
	/* The regex may hold a NUL, too. */
	struct pattern_set *set = pattern_set_create(NULL);
	assert_int_equal(pattern_set_add(set, "a\0b", 3, NULL), 0);
	assert_match(set, TEXT("ab a\0b"), 0, 3, 6, false);
	/* One byte of two is what it is. */
	assert_match(SET("[^\\x00-\\x7f]"), TEXT("caf\xc3\xa9"), 0, 3, 4, false);
}

/* ---- far back ---- */

static struct text make_far(size_t length, size_t begin, size_t end)
{
	char *bytes = malloc(length);
	assert_non_null(bytes);
	memset(bytes, '.', length);
	bytes[begin] = '<';
	bytes[end] = '>';
	return (struct text){bytes, length};
}

static void a_match_may_span_a_mebibyte(void **state)
{
	(void) state;
	struct pattern_set *set = SET("(?s)<.*>");
	struct text output = make_far(PATTERN_SPAN_BYTES + 5000, 4000, 4000 + PATTERN_SPAN_BYTES - 1);
	for (size_t chunk = 3000; chunk <= output.length + 3000; chunk *= 4) {
		struct outcome outcome = run(set, output, chunk);
		assert_int_equal(outcome.result, 1);
		assert_int_equal(outcome.start, 4000);
		assert_int_equal(outcome.end, 4000 + PATTERN_SPAN_BYTES);
	}
	free((char *) output.bytes);
	pattern_set_unref(set);
}

static void what_spans_far_more_is_missed_in_any_chunks(void **state)
{
	(void) state;
	struct pattern_set *set = SET("(?s)<.*>");
	struct text output = make_far(3 * PATTERN_SPAN_BYTES, 4000, 3 * PATTERN_SPAN_BYTES - 1);
	for (size_t chunk = 20000; chunk <= output.length + 20000; chunk *= 5)
		assert_int_equal(run(set, output, chunk).result, 0);
	free((char *) output.bytes);
	pattern_set_unref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_match_that_is_complete_first_stands),
	    cmocka_unit_test(a_greedy_match_takes_what_is_there),
	    cmocka_unit_test(lines_begin_after_each_kind_of_end),
	    cmocka_unit_test(lines_end_before_each_kind_of_end),
	    cmocka_unit_test(what_waits_for_a_byte_is_decided_by_it_or_by_the_end),
	    cmocka_unit_test(what_is_undecided_hides_nothing_behind_it),
	    cmocka_unit_test(lookbehind_reaches_over_chunks),
	    cmocka_unit_test(a_reading_within_the_stream_sees_what_stands_before),
	    cmocka_unit_test(groups_come_in_order),
	    cmocka_unit_test(what_k_leaves_out_is_no_part_of_the_match),
	    cmocka_unit_test(bytes_are_bytes),
	    cmocka_unit_test(a_match_may_span_a_mebibyte),
	    cmocka_unit_test(what_spans_far_more_is_missed_in_any_chunks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
