#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buffer.h"
#include "server/http/multipart.h"

#include <string.h>

/* What was told, as text: "[name|filename|type]content." */
static int on_part(const struct multipart_part *part, struct error *error, void *data)
{
	(void) error;
	return buffer_append_format(data, "[%s|%s|%s]", part->name, part->filename ? part->filename : "-",
				    part->content_type ? part->content_type : "-");
}

static int on_bytes(const char *bytes, size_t length, struct error *error, void *data)
{
	if (length >= 6 && memmem(bytes, length, "refuse", 6))
		return error_set(error, -ENOSPC, "insufficient_storage", "full");
	return buffer_append(data, bytes, length);
}

static int on_part_end(struct error *error, void *data)
{
	(void) error;
	return buffer_append_text(data, ".");
}

static const struct multipart_events events = {on_part, on_bytes, on_part_end};

/* Feeds the text in pieces of a size. */
static int parse(const char *text, size_t piece, struct buffer *out, struct error *error)
{
	size_t length = strlen(text);
	struct multipart *multipart =
	    multipart_create("multipart/form-data; boundary=\"b-1\"", &events, out, error);
	assert_non_null(multipart);
	int result = 0;
	for (size_t at = 0; at < length && !result; at += piece)
		result =
		    multipart_feed(multipart, text + at, length - at < piece ? length - at : piece, error);
	if (!result)
		result = multipart_finish(multipart, error);
	multipart_destroy(multipart);
	return result;
}

static void test_parts_are_the_same_however_they_are_cut(void **state)
{
	(void) state;
	static const char body[] = "preamble\r\n--b-1  \r\n"
				   "Content-Disposition: form-data; name=\"spec\"\r\n\r\n{\"a\":\r\n1}\r\n"
				   "--b-1\r\ncontent-type: application/x-elf\r\nX-Other: y\r\n"
				   "Content-Disposition: form-data; name=file; filename=\"a b.elf\"\r\n\r\n"
				   "\r\n--b-\r\n-\r\n--b-1\r\n"
				   "Content-Disposition: form-data; name=empty\r\n\r\n\r\n"
				   "--b-1--\r\nepilogue";
	for (size_t piece = 1; piece <= sizeof(body); piece++) {
		struct buffer out = {0};
		struct error error = {0};
		if (parse(body, piece, &out, &error) != 0)
			fail_msg("piece %zu: %s", piece, error.message);
		assert_string_equal(out.data,
				    "[spec|-|-]{\"a\":\r\n1}.[file|a b.elf|application/x-elf]\r\n--b-"
				    "\r\n-.[empty|-|-].");
		buffer_finish(&out);
	}
}

static void test_malformed_bodies_are_refused(void **state)
{
	(void) state;
	static const char *const bodies[] = {
	    "",
	    "no boundary at all",
	    "--b-1",
	    "--b-1x\r\n",
	    "--b-1\r\n\r\nno head\r\n--b-1--",
	    "--b-1\r\nno colon\r\n\r\nx\r\n--b-1--",
	    "--b-1\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b-1--",
	    "--b-1\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b-1--",
	    "--b-1\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b-1--",
	    "--b-1\r\nContent-Disposition: form-data; name=a\r\n\r\nunended\r\n--b-1",
	};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct buffer out = {0};
		struct error error = {0};
		if (parse(bodies[i], 3, &out, &error) != -EINVAL)
			fail_msg("%s was taken", bodies[i]);
		assert_string_equal(error.code, "invalid_request");
		buffer_finish(&out);
	}
}

static void test_endless_head_is_refused(void **state)
{
	(void) state;
	struct buffer body = {0}, out = {0};
	struct error error = {0};
	buffer_append_text(&body, "--b-1\r\n");
	for (int i = 0; i < 2000; i++)
		buffer_append_text(&body, "X-Header: value\r\n");
	assert_int_equal(parse(body.data, 1000, &out, &error), -EINVAL);
	buffer_finish(&body);
	buffer_finish(&out);
}

static void test_error_of_the_receiver_ends_the_parsing(void **state)
{
	(void) state;
	struct buffer out = {0};
	struct error error = {0};
	assert_int_equal(parse("--b-1\r\nContent-Disposition: form-data; name=a\r\n\r\nrefuse\r\n--b-1--",
			       500, &out, &error),
			 -ENOSPC);
	assert_string_equal(error.code, "insufficient_storage");
	buffer_finish(&out);
}

static void test_other_types_are_refused(void **state)
{
	(void) state;
	static const char *const types[] = {"application/json", "multipart/form-data",
					    "multipart/form-data; boundary=", "multipart/mixed; boundary=a"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct error error = {0};
		assert_null(multipart_create(types[i], &events, NULL, &error));
		assert_string_equal(error.code, "unsupported_media_type");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts_are_the_same_however_they_are_cut),
	    cmocka_unit_test(test_malformed_bodies_are_refused),
	    cmocka_unit_test(test_endless_head_is_refused),
	    cmocka_unit_test(test_error_of_the_receiver_ends_the_parsing),
	    cmocka_unit_test(test_other_types_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
