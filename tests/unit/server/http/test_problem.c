#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/problem.h"

#include <string.h>

static void test_rows_are_unique_ordered_and_whole(void **state)
{
	(void) state;
	size_t count;
	const struct problem *table = problem_table(&count);
	assert_true(count > 40);
	for (size_t i = 0; i < count; i++) {
		assert_true(table[i].status >= 400 && table[i].status < 600);
		assert_true(i == 0 || table[i - 1].status <= table[i].status);
		assert_int_equal(strspn(table[i].code, "abcdefghijklmnopqrstuvwxyz_"), strlen(table[i].code));
		assert_true(strlen(table[i].title) > 0 && strlen(table[i].meaning) > 0);
		assert_null(strchr(table[i].meaning, '\n'));
		assert_ptr_equal(problem_find(table[i].code), &table[i]);
	}
}

static void test_unknown_code_is_an_internal_error(void **state)
{
	(void) state;
	assert_string_equal(problem_find("no_such_code")->code, "internal_error");
	assert_int_equal(problem_find(NULL)->status, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_are_unique_ordered_and_whole),
	    cmocka_unit_test(test_unknown_code_is_an_internal_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
