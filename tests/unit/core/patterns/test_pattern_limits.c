/* What would take exponential or quadratic time ends with an error, soon. */

#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The work of a feed may go over the limit by what lies between two looks at the clock. */
enum { OVERSHOOT_MS = 700, OUTPUT_BYTES = 64 * 1024 };

static int64_t cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fill(char *output, const char *unit)
{
	for (size_t i = 0; i < OUTPUT_BYTES; i++)
		output[i] = unit[i % strlen(unit)];
	if (unit[1])
		memcpy(output, "begin", 5);
}

static int measure(const char *regex, const char *unit, struct error *ret_error)
{
	struct pattern_set *set = SET(regex);
	char *output = malloc(OUTPUT_BYTES);
	assert_non_null(output);
	fill(output, unit);
	int64_t begun = cpu_ms();
	struct outcome outcome = run(set, (struct text){output, OUTPUT_BYTES}, 0);
	int64_t took = cpu_ms() - begun;
	print_message("%-32s %4d ms, %d\n", regex, (int) took, outcome.result);
	if (took > PATTERN_WORK_MS + OVERSHOOT_MS)
		fail_msg("%s took %d ms", regex, (int) took);
	*ret_error = outcome.error;
	free(output);
	pattern_set_unref(set);
	return outcome.result;
}

static void what_never_ends_is_given_up(void **state)
{
	(void) state;
	static const char *const regexes[] = {
	    "(a+)+$",       "(?s)a*a*a*[bc]",     "(a|aa)+[cd]",     "(?:a?){30}a{30}[bc]", "(.*)*x\\b",
	    "(a*)*\\1[bc]", "(?>a+?)+(a|b|ab)*c", "(*NO_JIT)(a+)+$", "(?s)(a.*)+\\d",       "(?=(a+)+b)a",
	};
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
		struct error error;
		assert_int_equal(measure(regexes[i], "a", &error), -ETIME);
		assert_string_equal(error.code, "pattern_too_slow");
	}
}

static void what_is_merely_clumsy_is_served(void **state)
{
	(void) state;
	static const char *const regexes[] = {
	    "begin(.|[\\r\\n])*end", ".*PASSED", "^.*PASSED.*$", "[^x]*x", "\\bword\\b.*x$",
	};
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
		struct error error;
		assert_int_equal(measure(regexes[i], "a word and\nanother word\r\n", &error), 0);
	}
}

static void a_line_of_a_mebibyte_is_no_trouble(void **state)
{
	(void) state;
	size_t length = 1024 * 1024;
	char *output = malloc(length);
	assert_non_null(output);
	memset(output, 'a', length);
	memcpy(output + length - 8, "PASSED\r\n", 8);
	static const char *const regexes[] = {"PASSED", ".*PASSED", "^.*PASSED$", "PASSED$",
					      "\\bx|PASSED\\b"};
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
		struct pattern_set *set = SET(regexes[i]);
		struct outcome outcome = run(set, (struct text){output, length}, 48 * 1024);
		if (outcome.result != 1)
			fail_msg("%s: %d %s", regexes[i], outcome.result, outcome.error.message);
		pattern_set_unref(set);
	}
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_never_ends_is_given_up),
	    cmocka_unit_test(what_is_merely_clumsy_is_served),
	    cmocka_unit_test(a_line_of_a_mebibyte_is_no_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
