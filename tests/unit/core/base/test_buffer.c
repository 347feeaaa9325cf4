#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buffer.h"

#include <errno.h>
#include <string.h>

static void what_is_appended_is_consumed(void **state)
{
	(void) state;
	cleanup_buffer struct buffer buffer = {0};
	assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
	assert_int_equal(buffer_append_text(&buffer, "hello "), 0);
	assert_int_equal(buffer_append_format(&buffer, "%d %s", 7, "worlds"), 0);
	assert_string_equal(buffer.data, "hello 7 worlds");
	buffer_consume(&buffer, 6);
	assert_string_equal(buffer.data, "7 worlds");
	assert_int_equal(buffer.length, 8);
	buffer_consume(&buffer, 100);
	assert_int_equal(buffer.length, 0);
	assert_string_equal(buffer.data, "");
}

static void it_grows_and_stays_terminated(void **state)
{
	(void) state;
	cleanup_buffer struct buffer buffer = {0};
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
		assert_int_equal(buffer.data[buffer.length], '\0');
	}
	assert_int_equal(buffer.length, 50000);
	assert_memory_equal(buffer.data + 49990, "0123456789", 10);
}

static void what_cannot_be_reserved_leaves_it_as_it_was(void **state)
{
	(void) state;
	cleanup_buffer struct buffer buffer = {0};
	assert_int_equal(buffer_append_text(&buffer, "kept"), 0);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 4), -ENOMEM);
	assert_string_equal(buffer.data, "kept");
}

static void text_is_handed_out_once(void **state)
{
	(void) state;
	struct buffer buffer = {0};
	cleanup_free char *empty = buffer_take_text(&buffer);
	assert_string_equal(empty, "");
	buffer_append_text(&buffer, "x");
	cleanup_free char *text = buffer_take_text(&buffer);
	assert_string_equal(text, "x");
	assert_null(buffer.data);
	buffer_clear(&buffer);
	buffer_consume(&buffer, 1);
	buffer_finish(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_appended_is_consumed),
	    cmocka_unit_test(it_grows_and_stays_terminated),
	    cmocka_unit_test(what_cannot_be_reserved_leaves_it_as_it_was),
	    cmocka_unit_test(text_is_handed_out_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
