/* Times as text. */

#include "core/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void time_comes_back_from_its_text(void **state)
{
	(void) state;
	const int64_t times[] = {0, 1, 999, 1000, 1763805000123, 4102444800000};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[CLOCK_RFC3339_SIZE];
		int64_t read = -1;
		clock_format_rfc3339(times[i], text);
		assert_int_equal(clock_parse_rfc3339(text, &read), 0);
		assert_int_equal(read, times[i]);
	}
}

static void other_texts_are_refused(void **state)
{
	(void) state;
	const char *const texts[] = {"",
				     "yesterday",
				     "2026-11-22",
				     "2026-11-22T08:49:00Z",
				     "2026-11-22T08:49:00.123",
				     "2026-11-22T08:49:00.5Z",
				     "2026-11-22T08:49:00.-12Z",
				     "2026-11-22T08:49:00.1234Z",
				     "2026-11-22T08:49:00.123Z "};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t read = -1;
		assert_int_equal(clock_parse_rfc3339(texts[i], &read), -EINVAL);
		assert_int_equal(read, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(time_comes_back_from_its_text),
	    cmocka_unit_test(other_texts_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
