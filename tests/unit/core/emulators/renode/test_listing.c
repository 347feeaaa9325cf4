#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/emulators/renode/listing.h"

/* As recorded, with the line ends the raw text has. */
static const char listing_text[] =
    "The following methods are available:\r\n\r"
    " - Void AddAfterReadDoubleWordHook (Int64 offset, String script)\r\n\r"
    " - Tuple<Int32, Int32> Where (Tuple<Int32, Int32> at, UInt32 count = 1)\r\n\r"
    " - Void Reset ()\r\n\r"
    "\r\n\r"
    "Usage:\r\n\r"
    " sysbus.usart1 MethodName param1 param2 ...\r\n\r"
    "\r\n\r"
    "The following properties are available:\r\n\r"
    " - UInt32 BaudRate\r\n\r"
    "     available for 'get'\r\n\r"
    " - UInt32 PerformanceInMips\r\n\r"
    "     available for 'get' and 'set'\r\n\r"
    " - Tuple<Int32, Int32> Position\r\n\r"
    "     available for 'set'\r\n\r"
    "\r\n\r"
    "Usage:\r\n\r"
    " - get: sysbus.usart1 PropertyName\r\n\r"
    " - set: sysbus.usart1 PropertyName Value\r\n\r";

static void expect_json(const json_t *found, const char *expected)
{
	cleanup_free char *text = json_dumps(found, JSON_COMPACT);
	assert_string_equal(text, expected);
}

static void properties_have_name_type_and_use(void **state)
{
	(void) state;
	cleanup_json json_t *listing = renode_listing_parse(listing_text);
	expect_json(
	    json_object_get(listing, "properties"),
	    "[{\"name\":\"BaudRate\",\"type\":\"UInt32\",\"readable\":true,\"writable\":false},"
	    "{\"name\":\"PerformanceInMips\",\"type\":\"UInt32\",\"readable\":true,\"writable\":true},"
	    "{\"name\":\"Position\",\"type\":\"Tuple<Int32, Int32>\",\"readable\":false,\"writable\":true}]");
	assert_string_equal(json_member_string(renode_listing_property(listing, "BaudRate"), "type", ""),
			    "UInt32");
	assert_null(renode_listing_property(listing, "Reset"));
}

static void methods_stand_apart(void **state)
{
	(void) state;
	cleanup_json json_t *listing = renode_listing_parse(listing_text);
	expect_json(
	    json_object_get(listing, "methods"),
	    "[{\"name\":\"AddAfterReadDoubleWordHook\",\"returns\":\"Void\",\"parameters\":"
	    "[\"Int64 offset\",\"String script\"]},{\"name\":\"Where\",\"returns\":\"Tuple<Int32, Int32>\","
	    "\"parameters\":[\"Tuple<Int32, Int32> at\",\"UInt32 count = 1\"]},"
	    "{\"name\":\"Reset\",\"returns\":\"Void\",\"parameters\":[]}]");
	assert_true(renode_listing_has_method(listing, "Reset"));
	assert_false(renode_listing_has_method(listing, "BaudRate"));
}

static void line_ends_do_not_matter(void **state)
{
	(void) state;
	cleanup_json json_t *listing = renode_listing_parse(
	    "The following properties are available:\n - Boolean On\n     available for 'get' and 'set'\n");
	expect_json(json_object_get(listing, "properties"),
		    "[{\"name\":\"On\",\"type\":\"Boolean\",\"readable\":true,\"writable\":true}]");
}

static void what_is_no_listing_lists_nothing(void **state)
{
	(void) state;
	static const char *const texts[] = {
	    "", " - UInt32 Stray\n", "The following methods are available:\n - broken\n - (\n - )(\n",
	    "The following properties are available:\n -\n - One\n     available for 'get'\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_json json_t *listing = renode_listing_parse(texts[i]);
		expect_json(listing, "{\"properties\":[],\"methods\":[]}");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(properties_have_name_type_and_use),
	    cmocka_unit_test(methods_stand_apart),
	    cmocka_unit_test(line_ends_do_not_matter),
	    cmocka_unit_test(what_is_no_listing_lists_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
