/* The regular expressions of a run: where they end up, and how those that cannot be used are told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/json.h"
#include "server/runs/run_patterns.h"

#include <string.h>

static struct run_patterns *compile(const char *spec, json_t **ret_faults)
{
	json_t *json = json_loads(spec, 0, NULL);
	assert_non_null(json);
	*ret_faults = NULL;
	struct run_patterns *patterns = run_patterns_compile(json, ret_faults);
	json_decref(json);
	return patterns;
}

static void pass_stands_before_fail(void **state)
{
	(void) state;
	json_t *faults;
	struct run_patterns *patterns = compile("{\"pass\":[\"a\",\"b\"],\"fail\":[\"(?<why>c)\"]}", &faults);
	assert_non_null(patterns);
	assert_null(faults);
	assert_int_equal(pattern_set_count(patterns->verdict), 3);
	assert_int_equal(patterns->pass_count, 2);
	assert_string_equal(pattern_set_group_name(patterns->verdict, 2, 0), "why");
	assert_int_equal(patterns->step_count, 0);
	run_patterns_destroy(patterns);
}

static void none_at_all_is_no_fault(void **state)
{
	(void) state;
	json_t *faults;
	struct run_patterns *patterns = compile("{\"pass\":[],\"fail\":[],\"input\":[]}", &faults);
	assert_non_null(patterns);
	assert_null(faults);
	assert_int_equal(pattern_set_count(patterns->verdict), 0);
	assert_int_equal(patterns->pass_count, 0);
	run_patterns_destroy(patterns);
}

static void a_step_has_a_pattern_of_its_own_or_none(void **state)
{
	(void) state;
	json_t *faults;
	struct run_patterns *patterns = compile("{\"input\":[{\"expect\":\"> $\",\"send_base64\":\"\"},"
						"{\"send_base64\":\"\"},{\"expect\":\"ok\"}]}",
						&faults);
	assert_non_null(patterns);
	assert_null(faults);
	assert_int_equal(patterns->step_count, 3);
	assert_int_equal(pattern_set_count(patterns->steps[0]), 1);
	assert_null(patterns->steps[1]);
	assert_int_equal(pattern_set_count(patterns->steps[2]), 1);
	run_patterns_destroy(patterns);
}

static void every_fault_is_told_with_its_place(void **state)
{
	(void) state;
	static const char *const pointers[] = {"/input/1/expect", "/pass/1", "/fail/0", "/fail/2"};
	json_t *faults;
	struct run_patterns *patterns = compile("{\"pass\":[\"a\",\"(\"],\"fail\":[\"[z-a]\",\"b\",\"c*\"],"
						"\"input\":[{\"expect\":\"d\"},{\"expect\":\"\\\\G\"}]}",
						&faults);
	assert_int_equal(json_array_size(faults), 4);
	for (size_t i = 0; i < 4; i++) {
		const json_t *fault = json_array_get(faults, i);
		assert_string_equal(json_member_string(fault, "pointer", ""), pointers[i]);
		assert_true(strlen(json_member_string(fault, "detail", "")) > 10);
	}
	json_decref(faults);
	run_patterns_destroy(patterns);
}

static void a_pattern_may_hold_nul(void **state)
{
	(void) state;
	json_t *faults = NULL;
	json_t *spec = json_pack("{s:[o]}", "pass", json_stringn("a\0(", 3));
	struct run_patterns *patterns = run_patterns_compile(spec, &faults);
	/* What follows the NUL is looked at, too. */
	assert_int_equal(json_array_size(faults), 1);
	json_decref(faults);
	json_decref(spec);
	run_patterns_destroy(patterns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pass_stands_before_fail),
	    cmocka_unit_test(none_at_all_is_no_fault),
	    cmocka_unit_test(a_step_has_a_pattern_of_its_own_or_none),
	    cmocka_unit_test(every_fault_is_told_with_its_place),
	    cmocka_unit_test(a_pattern_may_hold_nul),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
