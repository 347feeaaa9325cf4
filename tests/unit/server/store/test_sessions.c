#include "store_fixture.h"

#include "server/store/sessions.h"

#include <string.h>

static struct session_row row_of(uint8_t seed, int64_t expires_at_ms)
{
	struct session_row row = {.token_name = "ana", .created_at_ms = 10, .expires_at_ms = expires_at_ms};
	memset(row.digest, seed, sizeof(row.digest));
	memset(row.token_digest, seed + 1, sizeof(row.token_digest));
	return row;
}

static int look_up(struct store *store, const struct session_row *row, int64_t now_ms)
{
	cleanup_session_row struct session_row found = {0};
	return sessions_get(store, row->digest, now_ms, &found, NULL);
}

static void a_session_lives_until_it_expires(void **state)
{
	struct store_fixture *fixture = *state;
	struct session_row row = row_of(0, 100);
	assert_int_equal(sessions_insert(fixture->store, &row, NULL), 0);
	store_fixture_reopen(fixture);

	cleanup_session_row struct session_row found = {0};
	assert_int_equal(sessions_get(fixture->store, row.digest, 99, &found, NULL), 0);
	assert_memory_equal(found.digest, row.digest, sizeof(row.digest));
	assert_memory_equal(found.token_digest, row.token_digest, sizeof(row.token_digest));
	assert_string_equal(found.token_name, "ana");
	assert_int_equal(found.created_at_ms, 10);
	assert_int_equal(found.expires_at_ms, 100);
	struct error error = {0};
	struct session_row none;
	assert_int_equal(sessions_get(fixture->store, row.digest, 100, &none, &error), -ENOENT);
	assert_string_equal(error.code, "unauthorized");
}

static void an_extended_session_lives_longer_and_a_deleted_one_no_more(void **state)
{
	struct store_fixture *fixture = *state;
	struct session_row row = row_of(0, 100);
	assert_int_equal(sessions_insert(fixture->store, &row, NULL), 0);
	assert_int_equal(sessions_extend(fixture->store, row.digest, 200, NULL), 0);
	assert_int_equal(look_up(fixture->store, &row, 150), 0);
	assert_int_equal(sessions_delete(fixture->store, row.digest, NULL), 0);
	assert_int_equal(look_up(fixture->store, &row, 150), -ENOENT);
	assert_int_equal(sessions_delete(fixture->store, row.digest, NULL), 0);
}

static void a_purge_takes_the_expired_only(void **state)
{
	struct store_fixture *fixture = *state;
	struct session_row old = row_of(1, 100), fresh = row_of(2, 101);
	assert_int_equal(sessions_insert(fixture->store, &old, NULL), 0);
	assert_int_equal(sessions_insert(fixture->store, &fresh, NULL), 0);
	assert_int_equal(sessions_purge(fixture->store, 100, NULL), 0);
	assert_int_equal(look_up(fixture->store, &old, 0), -ENOENT);
	assert_int_equal(look_up(fixture->store, &fresh, 0), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_session_lives_until_it_expires),
	    TEST(an_extended_session_lives_longer_and_a_deleted_one_no_more),
	    TEST(a_purge_takes_the_expired_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
