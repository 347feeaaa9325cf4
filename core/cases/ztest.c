/*
 * Zephyr's ztest:
 *
 *	Running TESTSUITE suite
 *	START - test_name
 *	    Assertion failed at main.c:12: ...
 *	 FAIL - test_name in 0.004 seconds
 *	TESTSUITE suite failed.
 *
 * Where it is built to be quiet, only its summary tells cases:
 * " - PASS - [suite.test_name] duration = 0.001 seconds".
 */

#include "core/cases/open_case.h"
#include "core/cases/recognizers.h"

struct ztest {
	struct open_case open;
	struct buffer suite;
	bool is_sure;     /* a suite has begun, or the summary has */
	bool has_results; /* cases are told as they end: the summary repeats them */
};

static const struct {
	struct span word;
	enum case_result result;
} results[] = {{{"PASS - ", 7}, CASE_PASSED},
	       {{"FAIL - ", 7}, CASE_FAILED},
	       {{"SKIP - ", 7}, CASE_SKIPPED},
	       {{"BLOCK - ", 8}, CASE_SKIPPED},
	       {{"FLAKY - ", 8}, CASE_FAILED}};

/* Takes up to word; false: it is not there. */
static bool take_through(struct span *line, struct span word)
{
	size_t at = span_find(*line, word);
	if (at == line->length)
		return false;
	*line = span_after(*line, at + word.length);
	return true;
}

static bool take_result(struct span *line, enum case_result *ret_result)
{
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (!take_through(line, results[i].word))
			continue;
		*ret_result = results[i].result;
		return true;
	}
	return false;
}

static struct span suite_of(const struct ztest *ztest)
{
	return (struct span){ztest->suite.length ? ztest->suite.data : "", ztest->suite.length};
}

static int begin_suite(struct ztest *ztest, struct case_list *list, struct span name)
{
	name = span_trim(name);
	ztest->is_sure = true;
	buffer_clear(&ztest->suite);
	if (open_case_abandon(&ztest->open, list) < 0)
		return -ENOMEM;
	return buffer_append(&ztest->suite, name.text, name.length) < 0 ? -ENOMEM : 1;
}

/* "test_name in 0.004 seconds" */
static int end_case(struct ztest *ztest, struct case_list *list, enum case_result result, struct span line)
{
	size_t in = span_find(line, SPAN(" in "));
	struct span seconds = span_after(line, in + 4);
	struct case_found found = {.suite = suite_of(ztest), .name = span_first(line, in), .result = result};
	size_t end = span_find_byte(seconds, ' ');
	if (!found.name.length || !span_equal(span_after(seconds, end), SPAN(" seconds")) ||
	    !span_to_number(span_first(seconds, end), &found.seconds))
		return 0;
	ztest->has_results = true;
	return open_case_end(&ztest->open, list, &found) < 0 ? -ENOMEM : 1;
}

/* "[suite.test_name] duration = 0.001 seconds", or "... - (Failed 1 of 3 attempts) - duration = ..." */
static int look_at_summary(struct ztest *ztest, struct case_list *list, enum case_result result,
			   struct span line)
{
	size_t dot = span_find_byte(line, '.'), close = span_find_last(line, ']');
	struct span rest = span_after(line, close + 1), remark = rest;
	if (!span_begins(line, SPAN("[")) || dot >= close || !take_through(&rest, SPAN("duration = ")))
		return 0;
	if (ztest->has_results)
		return 1;
	struct case_text text = {0};
	struct case_found found = {.suite = span_after(span_first(line, dot), 1),
				   .name = span_after(span_first(line, close), dot + 1),
				   .result = result,
				   .seconds = -1,
				   .text = &text};
	span_to_number(span_first(rest, span_find_byte(rest, ' ')), &found.seconds);
	remark = span_after(remark, span_find_byte(remark, '('));
	remark = span_first(remark, span_find_byte(remark, ')') + 1);
	int added = remark.length ? case_text_add_line(&text, remark) : 0;
	if (added == 0)
		added = case_list_add(list, &found);
	case_text_finish(&text);
	return added < 0 ? added : 1;
}

/* A line that is no mark belongs to the case that is open. */
static int look_at_line(struct ztest *ztest, struct span line, struct case_list *list)
{
	struct span rest = line;
	enum case_result result;
	if (take_through(&rest, SPAN("START - ")))
		return open_case_begin(&ztest->open, list, suite_of(ztest), span_trim(rest)) < 0 ? -ENOMEM
												 : 1;
	if (take_result(&rest, &result)) {
		int found = span_begins(rest, SPAN("[")) ? look_at_summary(ztest, list, result, rest)
							 : end_case(ztest, list, result, rest);
		if (found)
			return found;
	}
	if (span_find(line, SPAN("TESTSUITE ")) < line.length ||
	    span_find(line, SPAN("PROJECT EXECUTION ")) < line.length)
		return open_case_abandon(&ztest->open, list) < 0 ? -ENOMEM : 1;
	return open_case_add_line(&ztest->open, line);
}

static int look(void *state, struct span line, struct case_list *list)
{
	struct ztest *ztest = state;
	struct span rest = line;
	bool is_of_suite = take_through(&rest, SPAN("TESTSUITE "));
	if (!is_of_suite && !ztest->is_sure)
		return 0;
	if (is_of_suite && span_ends(span_first(line, line.length - rest.length), SPAN("Running TESTSUITE ")))
		return begin_suite(ztest, list, rest);
	ztest->is_sure |= is_of_suite && span_begins(rest, SPAN("SUMMARY START"));
	return ztest->is_sure ? look_at_line(ztest, line, list) : 0;
}

static int end(void *state, struct case_list *list)
{
	struct ztest *ztest = state;
	return open_case_abandon(&ztest->open, list);
}

static void finish(void *state)
{
	struct ztest *ztest = state;
	open_case_finish(&ztest->open);
	buffer_finish(&ztest->suite);
}

const struct recognizer ztest_recognizer = {
    .name = "ztest", .state_bytes = sizeof(struct ztest), .look = look, .end = end, .finish = finish};
