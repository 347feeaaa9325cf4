#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "server/watch/usage_history.h"

static int set_up(void **state)
{
	*state = usage_history_create();
	return !*state;
}

static int tear_down(void **state)
{
	usage_history_destroy(*state);
	return 0;
}

/* The samples first to last, told apart by their memory. */
static void add(struct usage_history *history, const char *id, int64_t start_number, int first, int last,
		int64_t now_ms)
{
	for (int i = first; i <= last; i++) {
		const struct usage_sample sample = {
		    .time_ms = 1000 * i, .cpu = 0.5, .rss_bytes = (uint64_t) i};
		usage_history_add(history, id, start_number, &sample, now_ms);
	}
}

static void assert_kept(struct usage_history *history, const char *id, int64_t start_number, int64_t now_ms,
			int first, int last)
{
	cleanup_json json_t *list = usage_history_describe(history, id, start_number, now_ms);
	assert_int_equal(json_array_size(list), last - first + 1);
	for (int i = first; i <= last; i++)
		assert_int_equal(
		    json_member_integer(json_array_get(list, (size_t) (i - first)), "rss_bytes", 0), i);
}

static void assert_nothing_kept(struct usage_history *history, const char *id, int64_t start_number,
				int64_t now_ms)
{
	assert_kept(history, id, start_number, now_ms, 1, 0);
}

static void samples_are_told_as_they_came(void **state)
{
	assert_nothing_kept(*state, "a", 1, 0);
	add(*state, "a", 1, 1, 3, 0);
	add(*state, "b", 1, 7, 7, 0);
	assert_kept(*state, "a", 1, 0, 1, 3);
	assert_kept(*state, "b", 1, 0, 7, 7);
	cleanup_json json_t *list = usage_history_describe(*state, "b", 1, 0);
	cleanup_json json_t *expected =
	    json_pack("[{s:s, s:f, s:i}]", "time", "1970-01-01T00:00:07.000Z", "cpu", 0.5, "rss_bytes", 7);
	assert_true(json_equal(list, expected));
}

static void no_more_than_so_many_are_kept_the_newest(void **state)
{
	add(*state, "a", 1, 1, USAGE_HISTORY_MAX, 0);
	assert_kept(*state, "a", 1, 0, 1, USAGE_HISTORY_MAX);
	add(*state, "a", 1, USAGE_HISTORY_MAX + 1, 2 * USAGE_HISTORY_MAX + 17, 0);
	assert_kept(*state, "a", 1, 0, USAGE_HISTORY_MAX + 18, 2 * USAGE_HISTORY_MAX + 17);
}

static void another_start_begins_anew(void **state)
{
	add(*state, "a", 1, 1, 5, 0);
	assert_nothing_kept(*state, "a", 2, 0);
	add(*state, "a", 2, 6, 7, 0);
	assert_kept(*state, "a", 2, 0, 6, 7);
	assert_nothing_kept(*state, "a", 1, 0);
}

static void a_short_pause_is_bridged_a_long_one_is_not(void **state)
{
	add(*state, "a", 1, 1, 2, 0);
	assert_kept(*state, "a", 1, 10 * USAGE_HISTORY_PAUSE_MS, 1, 2);
	usage_history_pause(*state, "a", 1000);
	usage_history_pause(*state, "unknown", 1000);
	assert_kept(*state, "a", 1, 1000 + USAGE_HISTORY_PAUSE_MS, 1, 2);
	add(*state, "a", 1, 3, 3, 1000 + USAGE_HISTORY_PAUSE_MS);
	assert_kept(*state, "a", 1, 10 * USAGE_HISTORY_PAUSE_MS, 1, 3);
	usage_history_pause(*state, "a", 1000);
	assert_nothing_kept(*state, "a", 1, 1001 + USAGE_HISTORY_PAUSE_MS);
	add(*state, "a", 1, 4, 4, 1001 + USAGE_HISTORY_PAUSE_MS);
	assert_kept(*state, "a", 1, 1001 + USAGE_HISTORY_PAUSE_MS, 4, 4);
}

static void what_is_forgotten_is_gone(void **state)
{
	add(*state, "a", 1, 1, 2, 0);
	usage_history_forget(*state, "a");
	usage_history_forget(*state, "a");
	assert_nothing_kept(*state, "a", 1, 0);
	add(*state, "a", 1, 3, 3, 0);
	assert_kept(*state, "a", 1, 0, 3, 3);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(samples_are_told_as_they_came), TEST(no_more_than_so_many_are_kept_the_newest),
	    TEST(another_start_begins_anew),     TEST(a_short_pause_is_bridged_a_long_one_is_not),
	    TEST(what_is_forgotten_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
