/*
 * GoogleTest, and pw_unit_test, which prints as it does:
 *
 *	[ RUN      ] Suite.Name
 *	test.cc:12: Failure
 *	[  FAILED  ] Suite.Name, where GetParam() = 3 (4 ms)
 *
 * pw_unit_test has no times, says DISABLED for skipped, and may print by a log, so that something
 * stands before the mark. The summary at the end tells failed cases once more.
 */

#include "core/cases/open_case.h"
#include "core/cases/recognizers.h"

struct googletest {
	struct open_case open;
	bool is_summary; /* behind the last case, until the next begins */
	bool is_brief;   /* what failed is told, and no case has begun: --gtest_brief tells only its end */
};

enum mark { RUN, OK, FAILED, SKIPPED, DISABLED, PROGRAM, OTHER };

static const struct {
	char text[14];
	enum mark mark;
} marks[] = {
    {"[ RUN      ] ", RUN},     {"[       OK ] ", OK},       {"[  FAILED  ] ", FAILED},
    {"[  SKIPPED ] ", SKIPPED}, {"[ DISABLED ] ", DISABLED}, {"[==========] ", PROGRAM},
    {"[----------] ", OTHER},   {"[  PASSED  ] ", OTHER},
};
enum { MARK_BYTES = 13 };

/* Finds the mark; *ret_rest is what stands behind it. */
static bool find_mark(struct span line, enum mark *ret_mark, struct span *ret_rest)
{
	for (size_t at; (at = span_find_byte(line, '[')) + MARK_BYTES <= line.length;
	     line = span_after(line, at + 1)) {
		struct span here = span_after(line, at);
		if (here.text[MARK_BYTES - 2] != ']')
			continue;
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			if (!span_begins(here, span_of(marks[i].text)))
				continue;
			*ret_mark = marks[i].mark;
			*ret_rest = span_after(here, MARK_BYTES);
			return true;
		}
	}
	return false;
}

struct naming {
	struct span suite, name;
	struct span remark; /* ", where GetParam() = 3" without the comma; may be empty */
	double seconds;     /* negative: not told */
};

/* "Suite.Name", "Suite.Name (3 ms)", "Suite.Name, where TypeParam = int (3 ms)". */
static bool read_naming(struct span text, struct naming *ret_naming)
{
	struct naming naming = {.seconds = -1};
	text = span_trim(text);
	span_take_milliseconds(&text, &naming.seconds);
	size_t remark = span_find(text, SPAN(", where "));
	naming.remark = span_after(text, remark + 2);
	text = span_first(text, remark);
	size_t dot = span_find_byte(text, '.');
	naming.suite = span_first(text, dot);
	naming.name = span_after(text, dot + 1);
	*ret_naming = naming;
	return naming.suite.length && naming.name.length && span_find_byte(text, ' ') == text.length;
}

static int end_case(struct googletest *googletest, struct case_list *list, enum case_result result,
		    struct span text)
{
	struct naming naming;
	/* "2 tests, listed below:", or the summary's lines. */
	if (googletest->is_summary || !read_naming(text, &naming))
		return 0;
	const struct case_found found = {
	    .suite = naming.suite,
	    .name = naming.name,
	    .result = result,
	    .seconds = naming.seconds,
	    .text = googletest->is_brief && result != CASE_PASSED ? &googletest->open.text : NULL};
	if (result == CASE_FAILED && (googletest->is_brief || googletest->open.is_open) &&
	    case_text_add_line(&googletest->open.text, naming.remark) < 0)
		return -ENOMEM;
	return open_case_end(&googletest->open, list, &found);
}

/* SetUpTestSuite or TearDownTestSuite failed: only the summary says so. */
static int look_at_suite(struct googletest *googletest, struct case_list *list, struct span text)
{
	static const char what[] = "SetUpTestSuite or TearDownTestSuite";
	size_t colon = span_find(text, SPAN(": SetUpTestSuite or TearDownTestSuite"));
	if (!googletest->is_summary || colon == text.length)
		return 0;
	const struct case_found found = {
	    .suite = span_first(text, colon), .name = span_of(what), .result = CASE_FAILED, .seconds = -1};
	return case_list_add(list, &found);
}

/* "Running 3 tests from 1 test suite." begins, anything else ends. */
static int look_at_program(struct googletest *googletest, struct case_list *list, struct span text)
{
	googletest->is_summary = !span_begins(text, SPAN("Running "));
	return open_case_abandon(&googletest->open, list);
}

static int look_at_mark(struct googletest *googletest, struct case_list *list, enum mark mark,
			struct span text)
{
	struct naming naming;
	switch (mark) {
	case RUN:
		if (!read_naming(text, &naming))
			return 0;
		googletest->is_summary = false;
		return open_case_begin(&googletest->open, list, naming.suite, naming.name);
	case OK:
		return end_case(googletest, list, CASE_PASSED, text);
	case FAILED: {
		int result = look_at_suite(googletest, list, text);
		return result < 0 ? result : end_case(googletest, list, CASE_FAILED, text);
	}
	case SKIPPED:
	case DISABLED:
		return end_case(googletest, list, CASE_SKIPPED, text);
	case PROGRAM:
		return look_at_program(googletest, list, text);
	default:
		return 0;
	}
}

static int look_at_text(struct googletest *googletest, struct span line)
{
	bool begins_brief =
	    !googletest->open.is_open && !googletest->is_brief && span_ends(line, SPAN(": Failure"));
	if (begins_brief) {
		googletest->is_brief = true;
		case_text_clear(&googletest->open.text);
	}
	if (!googletest->is_brief && !googletest->open.is_open)
		return 0;
	return case_text_add_line(&googletest->open.text, line);
}

static int look(void *state, struct span line, struct case_list *list)
{
	struct googletest *googletest = state;
	enum mark mark;
	struct span rest;
	if (!find_mark(line, &mark, &rest))
		return look_at_text(googletest, line);
	int result = look_at_mark(googletest, list, mark, rest);
	googletest->is_brief = false;
	return result < 0 ? result : 1;
}

static int end(void *state, struct case_list *list)
{
	struct googletest *googletest = state;
	return open_case_abandon(&googletest->open, list);
}

static void finish(void *state)
{
	struct googletest *googletest = state;
	open_case_finish(&googletest->open);
}

const struct recognizer googletest_recognizer = {.name = "googletest",
						 .state_bytes = sizeof(struct googletest),
						 .look = look,
						 .end = end,
						 .finish = finish};
