#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static void assert_refused(const char *regex, const char *message)
{
	struct error error;
	struct pattern_set *set = SET("a");
	assert_int_equal(pattern_set_add(set, regex, strlen(regex), &error), -EINVAL);
	assert_string_equal(error.code, "invalid_pattern");
	if (!strstr(error.message, message))
		fail_msg("%s: %s", regex, error.message);
	assert_int_equal(pattern_set_count(set), 1);
	pattern_set_unref(set);
}

static void a_faulty_pattern_is_told_in_pcre2s_words_with_its_offset(void **state)
{
	(void) state;
	assert_refused("foo(bar", "missing closing parenthesis, at offset 7");
	assert_refused("a[z-a]", "range out of order in character class, at offset 4");
	assert_refused("(*UTF)a", "using UTF is disabled");
	assert_refused("a\\C", "using \\C is disabled");
	assert_refused("a\\", "\\ at end of pattern, at offset 2");
}

static void what_can_match_without_a_byte_is_refused(void **state)
{
	(void) state;
	static const char *const regexes[] = {"",      "a*",   "^",    "$",      "\\b",
					      "(?=a)", "(a|)", "a?b?", "^\\s*$", "a|b*"};
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++)
		assert_refused(regexes[i], "without taking a byte");
}

static void what_only_means_something_within_a_buffer_is_refused(void **state)
{
	(void) state;
	assert_refused("a\\Gb", "\\G means nothing in a stream, at offset 1");
	assert_refused("ab(*COMMIT)c", "(*COMMIT) means nothing in a stream, at offset 2");
	assert_refused("a+(*SKIP)b", "(*SKIP) means nothing in a stream, at offset 2");
	assert_match(SET("a\\\\G"), TEXT("xa\\G"), 0, 1, 4, false);
	assert_match(SET("\\Qa\\G(*SKIP)\\E"), TEXT("xa\\G(*SKIP)"), 0, 1, 11, false);
}

static void size_and_groups_have_limits(void **state)
{
	(void) state;
	char regex[PATTERN_REGEX_BYTES + 2] = "";
	memset(regex, 'a', PATTERN_REGEX_BYTES + 1);
	assert_refused(regex, "it has 4097 bytes, 4096 at most");
	regex[0] = '\0';
	for (int i = 0; i <= PATTERN_GROUPS_MOST; i++)
		strcat(regex, "(a)");
	assert_refused(regex, "it has 65 groups, 64 at most");
}

static void groups_have_names(void **state)
{
	(void) state;
	struct pattern_set *set = SET("a(b)", "(?<number>\\d+)(x)?(?<unit>[a-z]+)");
	assert_null(pattern_set_group_name(set, 0, 0));
	assert_string_equal(pattern_set_group_name(set, 1, 0), "number");
	assert_null(pattern_set_group_name(set, 1, 1));
	assert_string_equal(pattern_set_group_name(set, 1, 2), "unit");
	pattern_set_unref(set);
}

/* \r\n is where PCRE2 skips a place; however the pattern ends, it must not. */
static void a_match_may_begin_between_cr_and_lf(void **state)
{
	(void) state;
	static const char *const regexes[] = {
	    "\\sfoo", "\\s\\Qfoo\\E", "\\s\\Qfoo", "(?x) \\s foo # comment", "\\s(foo|bar)", "[^a]foo|bar"};
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++)
		assert_match(SET(regexes[i]), TEXT("x\r\nfoo"), 0, 2, 6, false);
}

/* In a process of its own: it cannot be undone. */
static int match_without_executable_memory(void)
{
	static const char *const regexes[] = {"^PASS\\w+$", "(?:a|b)+c", "x(?=y)"};
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
		return errno == EINVAL ? 0 : 1;
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
		struct pattern_set *set = SET(regexes[i]);
		int result = run(set, TEXT("no\nPASSED\nababc xy\n"), 3).result;
		pattern_set_unref(set);
		if (result != 1)
			return 2;
	}
	return 0;
}

static void where_memory_may_not_be_executed_patterns_are_interpreted(void **state)
{
	(void) state;
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(match_without_executable_memory());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_faulty_pattern_is_told_in_pcre2s_words_with_its_offset),
	    cmocka_unit_test(what_can_match_without_a_byte_is_refused),
	    cmocka_unit_test(what_only_means_something_within_a_buffer_is_refused),
	    cmocka_unit_test(size_and_groups_have_limits),
	    cmocka_unit_test(groups_have_names),
	    cmocka_unit_test(a_match_may_begin_between_cr_and_lf),
	    cmocka_unit_test(where_memory_may_not_be_executed_patterns_are_interpreted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
