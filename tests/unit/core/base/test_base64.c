#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {{"", ""},
					 {"f", "Zg=="},
					 {"fo", "Zm8="},
					 {"foo", "Zm9v"},
					 {"foob", "Zm9vYg=="},
					 {"fooba", "Zm9vYmE="},
					 {"foobar", "Zm9vYmFy"}};

static void the_standards_vectors_hold_both_ways(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *bytes = vectors[i][0], *text = vectors[i][1];
		char *encoded = base64_encode(bytes, strlen(bytes));
		void *decoded;
		size_t length;
		assert_string_equal(encoded, text);
		assert_int_equal(base64_decode(text, strlen(text), &decoded, &length), 0);
		assert_int_equal(length, strlen(bytes));
		assert_memory_equal(decoded, bytes, length);
		free(encoded);
		free(decoded);
	}
}

static void every_byte_survives(void **state)
{
	(void) state;
	unsigned char bytes[256];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char) (255 - i);
	char *encoded = base64_encode(bytes, sizeof(bytes));
	void *decoded;
	size_t length;
	assert_non_null(strchr(encoded, '/'));
	assert_non_null(strchr(encoded, '+'));
	assert_int_equal(base64_decode(encoded, strlen(encoded), &decoded, &length), 0);
	assert_int_equal(length, sizeof(bytes));
	assert_memory_equal(decoded, bytes, length);
	free(encoded);
	free(decoded);
}

static void what_is_not_base64_is_refused(void **state)
{
	(void) state;
	static const char *const bad[] = {"Z",    "Zg",   "Zg=",  "====", "Z===",  "Zm9v====", "=m9v",
					  "Zm=v", "Zm9-", "Zm9_", "Zm 9", "Zm9\n", "Zg==Zg=="};
	void *decoded = NULL;
	size_t length;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &decoded, &length), -EINVAL);
	assert_int_equal(base64_decode("Zm\0v", 4, &decoded, &length), -EINVAL);
	assert_null(decoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_standards_vectors_hold_both_ways),
	    cmocka_unit_test(every_byte_survives),
	    cmocka_unit_test(what_is_not_base64_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
