#include "core/config/substitute.h"
#include "support.h"

static char *look_up(const char *kind, const char *name, void *data, struct error *error)
{
	int *calls = data;
	(*calls)++;
	if (text_equal(name, "missing")) {
		error_set(error, -ENOENT, "invalid_value", "%s is missing", kind);
		return NULL;
	}
	return text_format("<%s:%s>", kind, name);
}

static void expect(const char *text, const char *prefix, const char *expected)
{
	int calls = 0;
	struct error error = {0};
	char *found = substitute_text(text, prefix, look_up, &calls, &error);
	if (!found)
		fail_msg("%s", error.message);
	assert_string_equal(found, expected);
	free(found);
}

static void every_expression_of_a_string_is_replaced(void **state)
{
	(void) state;
	expect("", "pw_", "");
	expect("plain $HOME ${x}", "pw_", "plain $HOME ${x}");
	expect("$pw_env{A}", "pw_env", "<pw_env:A>");
	expect("a$pw_env{A}b$pw_env{B}$pw_env{C}c", "pw_env", "a<pw_env:A>b<pw_env:B><pw_env:C>c");
	expect("$pw_env{}", "pw_env", "<pw_env:>");
}

static void other_kinds_stand_as_they_are(void **state)
{
	(void) state;
	expect("$pw_env{A} $pw_emu_wdir{x}", "pw_emu_", "$pw_env{A} <pw_emu_wdir:x>");
	expect("$pw_env{A} $pw_emu_wdir{x}", "pw_env", "<pw_env:A> $pw_emu_wdir{x}");
	expect("$pw_env{open $pw_emu_wdir{x}", "pw_emu_", "$pw_env{open <pw_emu_wdir:x>");
}

static void a_value_is_not_looked_into_again(void **state)
{
	(void) state;
	expect("$pw_env{$pw_env{A}}", "pw_env", "<pw_env:$pw_env{A>}");
}

static void a_word_without_a_brace_is_text(void **state)
{
	(void) state;
	expect("$pw_env $pw_ $pw_env A{B}", "pw_", "$pw_env $pw_ $pw_env A{B}");
}

static void a_failing_lookup_fails_the_whole(void **state)
{
	(void) state;
	int calls = 0;
	struct error error = {0};
	assert_null(substitute_text("$pw_env{a}$pw_env{missing}$pw_env{b}", "pw_", look_up, &calls, &error));
	assert_int_equal(calls, 2);
	assert_int_equal(error.number, -ENOENT);
	assert_string_equal(error.message, "pw_env is missing");
	assert_null(substitute_text("$pw_env{missing}", "pw_", look_up, &calls, NULL));
}

static void an_expression_without_an_end_is_an_error(void **state)
{
	(void) state;
	int calls = 0;
	struct error error = {0};
	assert_null(substitute_text("x $pw_env{a", "pw_", look_up, &calls, &error));
	assert_string_equal(error.message, "\"$pw_env{a\" has no closing brace");
	assert_int_equal(substitute_check_kinds("$pw_emu_wdir{", &error), -EINVAL);
}

static void known_kinds_pass_and_others_are_told(void **state)
{
	(void) state;
	struct error error = {0};
	assert_int_equal(substitute_check_kinds("$pw_env{A} $pw_emu_wdir{} $pw_emu_channel_port{a}"
						"$pw_emu_channel_host{a}$pw_emu_channel_path{a} $pw_ $x{y}",
						&error),
			 0);
	assert_int_equal(substitute_check_kinds("$pw_env{A} $pw_emu_wdirr{}", &error), -EINVAL);
	assert_string_equal(error.message,
			    "unknown substitution $pw_emu_wdirr{...}, did you mean $pw_emu_wdir{...}?");
	assert_int_equal(substitute_check_kinds("$pw_completely_different{}", NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_expression_of_a_string_is_replaced),
	    cmocka_unit_test(other_kinds_stand_as_they_are),
	    cmocka_unit_test(a_value_is_not_looked_into_again),
	    cmocka_unit_test(a_word_without_a_brace_is_text),
	    cmocka_unit_test(a_failing_lookup_fails_the_whole),
	    cmocka_unit_test(an_expression_without_an_end_is_an_error),
	    cmocka_unit_test(known_kinds_pass_and_others_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
