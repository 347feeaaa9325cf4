#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/field.h"
#include "server/http/websocket_handshake.h"

static void test_gzip_is_accepted_by_name_or_star_with_weight(void **state)
{
	(void) state;
	assert_true(field_accepts_gzip("gzip"));
	assert_true(field_accepts_gzip("br, GZIP ;q=0.001"));
	assert_true(field_accepts_gzip("*"));
	assert_true(field_accepts_gzip("deflate;q=0, *;q=0.1"));
	assert_false(field_accepts_gzip(NULL));
	assert_false(field_accepts_gzip(""));
	assert_false(field_accepts_gzip("gzip;q=0, *"));
	assert_false(field_accepts_gzip("gzip; q=0.000"));
	assert_false(field_accepts_gzip("*;q=0"));
	assert_false(field_accepts_gzip("identity"));
	assert_false(field_accepts_gzip("gzipped"));
}

static void test_media_types_are_accepted_by_name_or_range(void **state)
{
	(void) state;
	assert_true(field_accepts_media_type(NULL, "text/plain"));
	assert_true(field_accepts_media_type("*/*", "text/plain"));
	assert_true(field_accepts_media_type("image/png, text/*;q=0.1", "text/plain"));
	assert_true(field_accepts_media_type("TEXT/Plain", "text/plain"));
	assert_false(field_accepts_media_type("image/png", "text/plain"));
	assert_false(field_accepts_media_type("text/plain;q=0", "text/plain"));
	assert_true(field_names_media_type("application/json, text/plain ;q=0.5", "text/plain"));
	assert_false(field_names_media_type("text/*, */*", "text/plain"));
	assert_false(field_names_media_type(NULL, "text/plain"));
}

static void test_tags_are_compared_weakly(void **state)
{
	(void) state;
	assert_true(field_matches_tag("\"a\"", "W/\"a\""));
	assert_true(field_matches_tag("\"b\", W/\"a\"", "\"a\""));
	assert_true(field_matches_tag("*", "\"a\""));
	assert_false(field_matches_tag("\"ab\"", "\"a\""));
	assert_false(field_matches_tag("a", "\"a\""));
	assert_false(field_matches_tag(NULL, "\"a\""));
	assert_false(field_matches_tag("", "\"a\""));
}

static void test_media_types_and_tokens(void **state)
{
	(void) state;
	assert_true(field_is_media_type("application/json; charset=utf-8", "application/json"));
	assert_true(field_is_media_type("Application/JSON", "application/json"));
	assert_false(field_is_media_type("application/jsonp", "application/json"));
	assert_false(field_is_media_type(NULL, "application/json"));
	assert_true(field_has_token("keep-alive, Upgrade", "upgrade"));
	assert_false(field_has_token("keep-alive upgrade", "upgrade"));
}

static void test_parameters_are_unquoted(void **state)
{
	(void) state;
	char out[16];
	assert_true(
	    field_parameter("form-data; name=\"a;b\"; filename=\"x\\\"y\"", "name", out, sizeof(out)));
	assert_string_equal(out, "a;b");
	assert_true(
	    field_parameter("form-data; name=\"a;b\"; filename=\"x\\\"y\"", "filename", out, sizeof(out)));
	assert_string_equal(out, "x\"y");
	assert_true(field_parameter("a; B=c ;d", "b", out, sizeof(out)));
	assert_string_equal(out, "c");
	assert_true(field_parameter("a;f=\"C:\\fw\\x.elf\"", "f", out, sizeof(out)));
	assert_string_equal(out, "C:\\fw\\x.elf");
	assert_false(field_parameter("a; name=\"unended", "name", out, sizeof(out)));
	assert_false(field_parameter("a; filename=x", "name", out, sizeof(out)));
	assert_false(field_parameter("a; name=0123456789abcdef", "name", out, sizeof(out)));
	assert_false(field_parameter("name=x", "name", out, sizeof(out)));
}

static void test_websocket_keys(void **state)
{
	(void) state;
	char accept[WEBSOCKET_ACCEPT_SIZE];
	assert_true(websocket_key_is_valid("dGhlIHNhbXBsZSBub25jZQ=="));
	assert_false(websocket_key_is_valid("dGhlIHNhbXBsZSBub25jZQ="));
	assert_false(websocket_key_is_valid("dGhlIHNhbXBsZSBub25jZQ!!"));
	assert_false(websocket_key_is_valid(NULL));
	assert_int_equal(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept), 0);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gzip_is_accepted_by_name_or_star_with_weight),
	    cmocka_unit_test(test_media_types_are_accepted_by_name_or_range),
	    cmocka_unit_test(test_tags_are_compared_weakly),
	    cmocka_unit_test(test_media_types_and_tokens),
	    cmocka_unit_test(test_parameters_are_unquoted),
	    cmocka_unit_test(test_websocket_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
