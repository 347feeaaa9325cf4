#include "core/config/yaml_scalar.h"
#include "support.h"

static void expect(const char *text, const char *json)
{
	assert_json(yaml_scalar_resolve(text, strlen(text)), json);
}

static void words_of_the_core_schema(void **state)
{
	(void) state;
	expect("null", "null");
	expect("~", "null");
	expect("", "null");
	expect("NULL", "null");
	expect("true", "true");
	expect("False", "false");
}

static void words_of_older_yaml_are_strings(void **state)
{
	(void) state;
	expect("yes", "\"yes\"");
	expect("off", "\"off\"");
	expect("y", "\"y\"");
	expect("tRUE", "\"tRUE\"");
	expect("1:30", "\"1:30\"");
	expect("2026-11-22", "\"2026-11-22\"");
	expect("1_000", "\"1_000\"");
}

static void integers(void **state)
{
	(void) state;
	expect("0", "0");
	expect("-12", "-12");
	expect("+12", "12");
	expect("010", "10");
	expect("0x1F", "31");
	expect("0o17", "15");
	expect("9223372036854775807", "9223372036854775807");
	expect("9223372036854775808", "\"9223372036854775808\"");
	expect("0x", "\"0x\"");
	expect("0o8", "\"0o8\"");
	expect("-0x1", "\"-0x1\"");
	expect("-", "\"-\"");
	expect("+", "\"+\"");
}

static void reals(void **state)
{
	(void) state;
	expect("1.5", "1.5");
	expect("-.5", "-0.5");
	expect("1.", "1.0");
	expect("1e3", "1000.0");
	expect("+2.5E-1", "0.25");
	expect(".", "\".\"");
	expect("1e", "\"1e\"");
	expect("1.2.3", "\"1.2.3\"");
	expect(".inf", "\".inf\"");
	expect(".nan", "\".nan\"");
	expect("1e999", "\"1e999\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_of_the_core_schema),
	    cmocka_unit_test(words_of_older_yaml_are_strings),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(reals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
