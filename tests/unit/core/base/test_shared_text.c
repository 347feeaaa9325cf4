#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/shared_text.h"

#include <string.h>

static void bytes_stay_until_the_last_owner_has_gone(void **state)
{
	(void) state;
	struct shared_text *text = shared_text_create(strdup("board"), 5);
	struct shared_text *other = shared_text_ref(text);
	assert_ptr_equal(other, text);
	shared_text_unref(text);
	/* AddressSanitizer tells if they do not. */
	assert_memory_equal(other->bytes, "board", other->length);
	shared_text_unref(other);
}

static void nothing_comes_of_nothing(void **state)
{
	(void) state;
	assert_null(shared_text_create(NULL, 0));
	shared_text_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_stay_until_the_last_owner_has_gone),
	    cmocka_unit_test(nothing_comes_of_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
