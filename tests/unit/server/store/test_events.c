#include "store_fixture.h"

#include "server/store/events.h"

#include <string.h>

static int64_t insert(struct store_fixture *fixture, int64_t time_ms, const char *type)
{
	const struct event_row row = {.time_ms = time_ms, .type = type, .data = "{}"};
	struct error error = {0};
	int64_t id = -1;
	if (events_insert(fixture->store, &row, &id, &error) < 0)
		fail_msg("%s", error.message);
	return id;
}

static int append_id(const struct event_row *row, void *data)
{
	char *ids = data;
	size_t length = strlen(ids);
	snprintf(ids + length, 256 - length, "%s%lld", length ? " " : "", (long long) row->id);
	return 0;
}

static void assert_listed_in(struct store_fixture *fixture, enum events_order order, int64_t from,
			     int64_t limit, const char *expected)
{
	char ids[256] = "";
	struct error error = {0};
	if (events_list(fixture->store, order, from, limit, append_id, ids, &error) < 0)
		fail_msg("%s", error.message);
	assert_string_equal(ids, expected);
}

static void assert_listed(struct store_fixture *fixture, int64_t after, int64_t limit, const char *expected)
{
	assert_listed_in(fixture, EVENTS_OLDEST_FIRST, after, limit, expected);
}

static void assert_kept(struct store_fixture *fixture, int64_t first_id, int64_t last_id,
			int64_t first_time_ms)
{
	struct events_kept kept;
	struct error error = {0};
	if (events_find_kept(fixture->store, &kept, &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(kept.first_id, first_id);
	assert_int_equal(kept.last_id, last_id);
	assert_int_equal(kept.first_time_ms, first_time_ms);
}

static void purge(struct store_fixture *fixture, int64_t up_to, int64_t before_ms, int64_t limit)
{
	struct error error = {0};
	if (events_purge(fixture->store, up_to, before_ms, limit, &error) < 0)
		fail_msg("%s", error.message);
}

static void make_ten(struct store_fixture *fixture)
{
	for (int64_t i = 1; i <= 10; i++)
		assert_int_equal(insert(fixture, 100 * i, "a.b"), i);
}

static int check_row(const struct event_row *row, void *data)
{
	(*(int *) data)++;
	assert_int_equal(row->id, 1);
	assert_int_equal(row->time_ms, 1234567890123);
	assert_string_equal(row->type, "instance.state");
	assert_string_equal(row->actor, "ann");
	assert_string_equal(row->instance, "demo");
	assert_null(row->run);
	assert_string_equal(row->data, "{\"state\":\"running\"}");
	return 0;
}

static void what_is_inserted_is_listed(void **state)
{
	struct store_fixture *fixture = *state;
	const struct event_row row = {.time_ms = 1234567890123,
				      .type = "instance.state",
				      .actor = "ann",
				      .instance = "demo",
				      .data = "{\"state\":\"running\"}"};
	int rows = 0;
	assert_int_equal(events_insert(fixture->store, &row, NULL, NULL), 0);
	store_fixture_reopen(fixture);
	assert_int_equal(events_list(fixture->store, EVENTS_OLDEST_FIRST, 0, 10, check_row, &rows, NULL), 0);
	assert_int_equal(rows, 1);
}

static void a_list_begins_behind_an_id_and_has_a_limit(void **state)
{
	struct store_fixture *fixture = *state;
	make_ten(fixture);
	assert_listed(fixture, 0, 3, "1 2 3");
	assert_listed(fixture, 7, 3, "8 9 10");
	assert_listed(fixture, 9, 3, "10");
	assert_listed(fixture, 10, 3, "");
	assert_listed(fixture, 99, 3, "");
}

static void the_newest_first_go_down_from_an_id(void **state)
{
	struct store_fixture *fixture = *state;
	make_ten(fixture);
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, 11, 3, "10 9 8");
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, 8, 3, "7 6 5");
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, 3, 3, "2 1");
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, 1, 3, "");
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, INT64_MAX, 1, "10");
	purge(fixture, 4, 0, 100);
	assert_listed_in(fixture, EVENTS_NEWEST_FIRST, 8, 5, "7 6 5");
}

static int stop_at_second(const struct event_row *row, void *data)
{
	return append_id(row, data) || row->id == 2;
}

static void a_list_can_be_stopped(void **state)
{
	struct store_fixture *fixture = *state;
	char ids[256] = "";
	make_ten(fixture);
	assert_int_equal(events_list(fixture->store, EVENTS_OLDEST_FIRST, 0, 10, stop_at_second, ids, NULL),
			 0);
	assert_string_equal(ids, "1 2");
}

static void what_is_kept_is_known_even_where_nothing_is(void **state)
{
	struct store_fixture *fixture = *state;
	assert_kept(fixture, 1, 0, INT64_MAX);
	make_ten(fixture);
	assert_kept(fixture, 1, 10, 100);
	purge(fixture, 10, 0, 100);
	assert_kept(fixture, 11, 10, INT64_MAX);
}

static void an_id_does_not_come_again(void **state)
{
	struct store_fixture *fixture = *state;
	make_ten(fixture);
	purge(fixture, 10, 0, 100);
	store_fixture_reopen(fixture);
	assert_kept(fixture, 11, 10, INT64_MAX);
	assert_int_equal(insert(fixture, 5, "a.b"), 11);
	assert_kept(fixture, 11, 11, 5);
}

static void a_purge_takes_the_oldest_by_number_by_age_and_so_many_at_a_time(void **state)
{
	struct store_fixture *fixture = *state;
	make_ten(fixture);
	purge(fixture, 0, 0, 100);
	assert_kept(fixture, 1, 10, 100);
	purge(fixture, 2, 0, 100);
	assert_kept(fixture, 3, 10, 300);
	purge(fixture, 0, 500, 100);
	assert_kept(fixture, 5, 10, 500);
	purge(fixture, 9, 0, 2);
	assert_kept(fixture, 7, 10, 700);
	purge(fixture, -5, 0, 2);
	assert_kept(fixture, 7, 10, 700);
}

/* The clock was put back between the two. */
static void a_purge_leaves_no_gaps(void **state)
{
	struct store_fixture *fixture = *state;
	insert(fixture, 1000, "a.b");
	insert(fixture, 100, "a.b");
	insert(fixture, 1000, "a.b");
	purge(fixture, 0, 500, 100);
	assert_listed(fixture, 0, 10, "1 2 3");
	purge(fixture, 1, 500, 100);
	assert_listed(fixture, 0, 10, "3");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_inserted_is_listed),
	    TEST(a_list_begins_behind_an_id_and_has_a_limit),
	    TEST(the_newest_first_go_down_from_an_id),
	    TEST(a_list_can_be_stopped),
	    TEST(what_is_kept_is_known_even_where_nothing_is),
	    TEST(an_id_does_not_come_again),
	    TEST(a_purge_takes_the_oldest_by_number_by_age_and_so_many_at_a_time),
	    TEST(a_purge_leaves_no_gaps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
