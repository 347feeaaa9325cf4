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

/* ---- requests ---- */

#define POST "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"

/* How many bytes of a text may pass, fed in pieces; -1: refused. */
static ssize_t pass(const char *text, size_t piece)
{
	struct http_guard_watch *watch = http_guard_watch_create();
	ssize_t passing = 0;
	size_t length = strlen(text);
	for (size_t at = 0; at < length && passing >= 0; at += piece) {
		size_t rest = length - at;
		ssize_t count = http_guard_watch_feed(watch, text + at, rest < piece ? rest : piece);
		passing = count < 0 ? -1 : passing + count;
	}
	http_guard_watch_destroy(watch);
	return passing;
}

static void expect_passing(const char *text, ssize_t expected)
{
	static const size_t pieces[] = {1, 2, 7, 4096};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		assert_int_equal(pass(text, pieces[i]), expected);
}

static void a_programs_posts_pass(void **state)
{
	(void) state;
	expect_passing(POST "\r\nabc", (ssize_t) strlen(POST "\r\nabc"));
	expect_passing(POST "\r\nabc" POST "\r\nabc", (ssize_t) (2 * strlen(POST "\r\nabc")));
	expect_passing(POST "Empty:\r\nReferrer-Origin: x\r\n\r\nab",
		       (ssize_t) strlen(POST "Empty:\r\nReferrer-Origin: x\r\n\r\nab"));
	expect_passing("POST /RPC2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
		       (ssize_t) strlen("POST /RPC2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n"));
}

static void headers_are_held_until_all_are_seen(void **state)
{
	(void) state;
	expect_passing(POST, 0);
	expect_passing(POST "\r\nabc" POST, (ssize_t) strlen(POST "\r\nabc"));
}

static void what_a_page_can_send_is_refused(void **state)
{
	(void) state;
	expect_passing("GET / HTTP/1.1\r\n\r\n", -1);
	expect_passing("OPTIONS / HTTP/1.1\r\n\r\n", -1);
	expect_passing("CONNECT a:1 HTTP/1.1\r\n\r\n", -1);
	expect_passing(POST "Origin: http://evil.example\r\n\r\nabc", -1);
	expect_passing(POST "origin:\r\n\r\nabc", -1);
	expect_passing(POST "ORIGIN: null\r\n\r\nabc", -1);
	expect_passing(POST "Empty:\r\nOrigin: null\r\n\r\nabc", -1);
	expect_passing(POST "Sec-Fetch-Mode: no-cors\r\n\r\nabc", -1);
	expect_passing(POST "\r\nabcGET / HTTP/1.1\r\n\r\n", -1);
	expect_passing(POST "\r\nabc" POST "Origin: null\r\n\r\n", -1);
}

static void what_is_no_http_is_refused(void **state)
{
	(void) state;
	expect_passing("{\"execute\":", -1);
	expect_passing("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", -1);
	expect_passing("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", -1);
	expect_passing("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_told),
	    cmocka_unit_test(beginnings_of_requests_are_held),
	    cmocka_unit_test(anything_else_passes),
	    cmocka_unit_test(a_programs_posts_pass),
	    cmocka_unit_test(headers_are_held_until_all_are_seen),
	    cmocka_unit_test(what_a_page_can_send_is_refused),
	    cmocka_unit_test(what_is_no_http_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
