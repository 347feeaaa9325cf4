#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/events/event_types.h"

#include <string.h>

static void a_filter_is_a_type_or_a_group(void **state)
{
	(void) state;
	assert_true(event_type_fits("instance.state", "instance.state"));
	assert_true(event_type_fits("instance.state", "instance.*"));
	assert_false(event_type_fits("instance.state", "instance.stat"));
	assert_false(event_type_fits("instance.state", "instance.states"));
	assert_false(event_type_fits("instances.state", "instance.*"));
	assert_false(event_type_fits("run.state", "instance.*"));
	assert_false(event_type_fits("instance.state", "*"));
	assert_false(event_type_fits("instance.state", ".*"));
}

static void only_what_there_is_may_be_asked_for(void **state)
{
	(void) state;
	for (const char *const *type = event_types; *type; type++) {
		assert_true(event_types_has(*type));
		assert_non_null(strchr(*type, '.'));
	}
	assert_true(event_types_has("run.*"));
	assert_false(event_types_has("walk.*"));
	assert_false(event_types_has("instance"));
	assert_false(event_types_has(""));
	assert_false(event_types_has("*"));
	assert_false(event_types_has(".*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_filter_is_a_type_or_a_group),
	    cmocka_unit_test(only_what_there_is_may_be_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
