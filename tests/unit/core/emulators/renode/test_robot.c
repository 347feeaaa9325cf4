#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/emulators/renode/robot.h"
#include "core/emulators/renode/xmlrpc.h"

#include <string.h>

#define MEMBER(name, value) "      <member><name>" name "</name><value>" value "</value></member>\n"
#define STRING(text) "<string>" text "</string>"
#define RESPONSE(members) \
	"<?xml version=\"1.0\"?>\n<methodResponse>\n  <params>\n    <param>\n      <value>\n        " \
	"<struct>\n" members \
	"        </struct>\n      </value>\n    </param>\n  </params>\n</methodResponse>\n"
#define FAULT(code, text) \
	"<?xml version=\"1.0\"?><methodResponse><fault><value><struct>" MEMBER("faultCode", \
									       "<int>" code "</int>") \
	    MEMBER("faultString", STRING(text)) "</struct></value></fault></methodResponse>"

static void expect_text(const char *body, const char *expected)
{
	struct error error = {0};
	cleanup_free char *text = robot_decode(body, strlen(body), &error);
	assert_string_equal(error.message, "");
	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void expect_error(const char *body, const char *expected)
{
	struct error error = {0};
	assert_null(robot_decode(body, strlen(body), &error));
	assert_string_equal(error.code, "emulator_error");
	if (!strstr(error.message, expected))
		fail_msg("\"%s\" does not say \"%s\"", error.message, expected);
}

static void a_value_comes_without_its_line_ends(void **state)
{
	(void) state;
	expect_text(RESPONSE(MEMBER("return", STRING("0x0000E0D1\r\r\n")) MEMBER("status", STRING("PASS"))),
		    "0x0000E0D1");
	expect_text(
	    RESPONSE(MEMBER("return", STRING("0x0000E0D1&#13;&#13;\n")) MEMBER("status", STRING("PASS"))),
	    "0x0000E0D1");
	expect_text(RESPONSE(MEMBER("status", STRING("PASS")) MEMBER("return", STRING("\tTrue\r\r\n"))),
		    "True");
	/* .NET may put a mark in front. */
	expect_text("\xef\xbb\xbf" RESPONSE(MEMBER("status", STRING("PASS")) MEMBER("return", STRING("7"))),
		    "7");
}

static void nothing_may_be_returned(void **state)
{
	(void) state;
	expect_text(RESPONSE(MEMBER("status", STRING("PASS"))), "");
	expect_text(RESPONSE(MEMBER("return", "<string />") MEMBER("status", STRING("PASS"))), "");
	expect_text(RESPONSE(MEMBER("return", "") MEMBER("status", "PASS")), "");
}

static void a_failure_is_told_in_renodes_words(void **state)
{
	(void) state;
	expect_error(
	    RESPONSE(MEMBER("status", STRING("FAIL")) MEMBER(
		"error", STRING("KeywordException: Could not execute command 'nosuch': No such command or "
				"device: nosuch\n")) MEMBER("traceback", STRING("  at X\n"))),
	    "Could not execute command 'nosuch': No such command or device: nosuch");
	expect_error(RESPONSE(MEMBER("status", STRING("FAIL"))), "without a word");
}

static void a_fault_is_an_error_too(void **state)
{
	(void) state;
	expect_error(FAULT("1", "Keyword \"PauseEmulation\" not found"),
		     "Keyword \"PauseEmulation\" not found");
	expect_error(FAULT("2", "Arguments types do not match any available keyword \"ExecuteCommand\" : []"),
		     "\"ExecuteCommand\" : []");
	expect_error(FAULT("0", "unsupported method called: no_such_method"), "no_such_method");
}

static void what_is_no_answer_is_refused(void **state)
{
	(void) state;
	static const char *const bodies[] = {
	    "",
	    "It works!",
	    "<html><body>It works!</body></html>",
	    "<?xml version=\"1.0\"?><methodResponse>",
	    "<?xml version=\"1.0\"?><methodResponse></methodResponse>",
	    "<?xml "
	    "version=\"1.0\"?><methodResponse><params><param><value><int>1</int></value></param></params>"
	    "</methodResponse>",
	    "<!DOCTYPE a [<!ENTITY b "
	    "\"c\">]><methodResponse><params><param><value>&b;</value></param></params>"
	    "</methodResponse>",
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		expect_error(bodies[i], "");
}

static void nesting_is_bounded(void **state)
{
	(void) state;
	cleanup_buffer struct buffer body = {0};
	struct error error = {0};
	struct xmlrpc_response response;
	assert_int_equal(buffer_append_text(&body, "<methodResponse><params><param>"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buffer_append_text(&body, "<value><array><data>"), 0);
	assert_int_equal(xmlrpc_decode_response(body.data, body.length, &response, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "too deep"));
}

static void values_of_every_type_are_read(void **state)
{
	(void) state;
	static const char body[] =
	    "<methodResponse><params><param><value><array><data><value><int>-7</int></value>"
	    "<value><i8>9000000000</i8></value><value><boolean>1</boolean></value>"
	    "<value><double>2.5</double></value><value>bare</value><value><nil/></value>"
	    "<value><array><data><value><string>a &amp; b</string></value></data></array></value>"
	    "</data></array></value></param></params></methodResponse>";
	struct error error = {0};
	struct xmlrpc_response response = {0};
	assert_int_equal(xmlrpc_decode_response(body, sizeof(body) - 1, &response, &error), 0);
	cleanup_free char *text = json_dumps(response.value, JSON_COMPACT);
	assert_string_equal(text, "[-7,9000000000,true,2.5,\"bare\",null,[\"a & b\"]]");
	assert_false(response.is_fault);
	xmlrpc_response_finish(&response);
}

static void expect_request(const char *keyword, const char *argument, const char *expected_body)
{
	cleanup_buffer struct buffer request = {0};
	char length[64];
	assert_int_equal(robot_encode(&request, keyword, argument), 0);
	const char *body = strstr(request.data, "\r\n\r\n");
	assert_non_null(body);
	assert_string_equal(body + 4, expected_body);
	assert_ptr_equal(strstr(request.data, "POST / HTTP/1.1\r\n"), request.data);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(expected_body));
	assert_non_null(strstr(request.data, length));
}

#define CALL(arguments) \
	"<?xml version=\"1.0\"?><methodCall><methodName>run_keyword</methodName><params><param><value>" \
	"<string>ExecuteCommand</string></value></param><param><value><array><data>" arguments \
	"</data></array></value></param></params></methodCall>"

static void a_call_is_written_as_renode_reads_it(void **state)
{
	(void) state;
	expect_request("ExecuteCommand", "sysbus.usart1 BaudRate",
		       CALL("<value><string>sysbus.usart1 BaudRate</string></value>"));
	expect_request("ExecuteCommand", NULL, CALL(""));
}

static void markup_in_an_argument_stays_text(void **state)
{
	(void) state;
	expect_request("ExecuteCommand", "a</string>&\x01\r\n",
		       CALL("<value><string>a&lt;/string&gt;&amp;\xef\xbf\xbd&#13;\n</string></value>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_value_comes_without_its_line_ends),
	    cmocka_unit_test(nothing_may_be_returned),
	    cmocka_unit_test(a_failure_is_told_in_renodes_words),
	    cmocka_unit_test(a_fault_is_an_error_too),
	    cmocka_unit_test(what_is_no_answer_is_refused),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(values_of_every_type_are_read),
	    cmocka_unit_test(a_call_is_written_as_renode_reads_it),
	    cmocka_unit_test(markup_in_an_argument_stays_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
