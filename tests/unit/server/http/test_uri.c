#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "server/http/uri.h"

#include <stdlib.h>
#include <string.h>

static void expect_decoded(const char *text, bool plus_is_space, const char *wanted)
{
	char copy[64];
	strcpy(copy, text);
	assert_int_equal(uri_decode(copy, plus_is_space), wanted ? 0 : -EINVAL);
	if (wanted)
		assert_string_equal(copy, wanted);
}

static void test_escapes(void **state)
{
	(void) state;
	expect_decoded("a%2Fb+%c3%A9", false, "a/b+é");
	expect_decoded("a%2Fb+%c3%A9", true, "a/b é");
	expect_decoded("%2B", true, "+");
	expect_decoded("%", true, NULL);
	expect_decoded("%4", true, NULL);
	expect_decoded("%zz", true, NULL);
	expect_decoded("a%00b", true, NULL);
	expect_decoded("%FF", true, NULL);
}

static void test_parameters_keep_their_order_and_may_repeat(void **state)
{
	(void) state;
	static const char *const wanted[][2] = {{"pass", "a b"}, {"fail", ""}, {"pass", "=c&"}, {"", "d"}};
	char query[] = "pass=a+b&&fail&pass==c%26&=d";
	cleanup_free struct uri_parameter *parameters = NULL;
	size_t count = 0;
	assert_int_equal(uri_parse_query(query, &parameters, &count, NULL), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(parameters[i].name, wanted[i][0]);
		assert_string_equal(parameters[i].value, wanted[i][1]);
	}
}

static void expect_fault(char *query, const char *words)
{
	struct error error = {0};
	struct uri_parameter *parameters = NULL;
	size_t count;
	assert_int_equal(uri_parse_query(query, &parameters, &count, &error), -EINVAL);
	assert_null(parameters);
	assert_string_equal(error.code, "invalid_parameter");
	assert_non_null(strstr(error.message, words));
}

static void test_faults_are_named(void **state)
{
	(void) state;
	char value[] = "a=1&b=%FF", name[] = "a=1&%FF=2", many[URI_PARAMETERS_MAX + 1] = "";
	memset(many, '&', URI_PARAMETERS_MAX);
	expect_fault(value, "query parameter b ");
	expect_fault(name, "a parameter whose name");
	expect_fault(many, "more than 256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_parameters_keep_their_order_and_may_repeat),
	    cmocka_unit_test(test_faults_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
