#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/api/digest.h"

#include <errno.h>

#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void the_published_example_comes_out(void **state)
{
	(void) state;
	uint8_t digest[DIGEST_BYTES];
	char hex[DIGEST_HEX_SIZE];
	assert_int_equal(digest_compute("abc", 3, digest), 0);
	digest_to_hex(digest, hex);
	assert_string_equal(hex, SHA_OF_ABC);
}

static void hex_is_normalized_and_all_else_refused(void **state)
{
	(void) state;
	char hex[DIGEST_HEX_SIZE] = "untouched";
	assert_int_equal(digest_normalize_hex("", hex), -EINVAL);
	assert_int_equal(digest_normalize_hex(SHA_OF_ABC "0", hex), -EINVAL);
	assert_int_equal(digest_normalize_hex(&SHA_OF_ABC[1], hex), -EINVAL);
	assert_int_equal(
	    digest_normalize_hex("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex),
	    -EINVAL);
	assert_string_equal(hex, "untouched");
	assert_int_equal(
	    digest_normalize_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", hex), 0);
	assert_string_equal(hex, SHA_OF_ABC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_example_comes_out),
	    cmocka_unit_test(hex_is_normalized_and_all_else_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
