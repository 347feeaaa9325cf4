#include "harness.h"

#include "core/channels/http_guard.h"

static enum http_guard judge(const char *text)
{
	return http_guard_judge(text, strlen(text));
}

static void requests_are_told(void **state)
{
	(void) state;
	static const char *const requests[] = {"GET / HTTP/1.1\r\n", "POST /",        "PUT /",   "HEAD /",
					       "OPTIONS *",          "DELETE /",      "PATCH /", "TRACE /",
					       "CONNECT a",          "PRI * HTTP/2.0"};
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		assert_int_equal(judge(requests[i]), HTTP_GUARD_HTTP);
}

static void beginnings_of_requests_are_held(void **state)
{
	(void) state;
	static const char *const beginnings[] = {"", "G", "GET", "P", "PR", "CONNECT", "DEL"};
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		assert_int_equal(judge(beginnings[i]), HTTP_GUARD_UNDECIDED);
}

static void anything_else_passes(void **state)
{
	(void) state;
	static const char *const others[] = {"{\"execute\":", "info status\n", "GETX", "get /", "PRINT", "\n",
					     "PUTT"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(judge(others[i]), HTTP_GUARD_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_told),
	    cmocka_unit_test(beginnings_of_requests_are_held),
	    cmocka_unit_test(anything_else_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
