#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/store/database.h"
#include "server/store/migrations.h"

#include <string.h>

static int open_memory(void **state)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	*state = db;
	return 0;
}

static int close_memory(void **state)
{
	return sqlite3_close(*state);
}

static int64_t read_integer(sqlite3 *db, const char *sql)
{
	int64_t value = -1;
	struct error error = {0};
	if (database_read_integer(db, sql, &value, &error))
		fail_msg("%s: %s", sql, error.message);
	return value;
}

#define OURS "PRAGMA application_id = 0x656d7564;"
#define FIRST \
	{ \
		"first", "CREATE TABLE a (x);" OURS "PRAGMA user_version = 1" \
	}
#define SECOND \
	{ \
		"second", "ALTER TABLE a ADD COLUMN y DEFAULT 7; PRAGMA user_version = 2" \
	}

static const struct migration one[] = {FIRST, {NULL, NULL}};
static const struct migration two[] = {FIRST, SECOND, {NULL, NULL}};

static void only_the_steps_that_are_missing_are_taken(void **state)
{
	assert_int_equal(migrations_apply(*state, one, NULL), 0);
	assert_int_equal(sqlite3_exec(*state, "INSERT INTO a VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(migrations_apply(*state, two, NULL), 0);
	assert_int_equal(read_integer(*state, "PRAGMA user_version"), 2);
	assert_int_equal(read_integer(*state, "SELECT x + y FROM a"), 8);
	assert_int_equal(migrations_apply(*state, two, NULL), 0);
}

static void a_step_that_fails_leaves_the_step_before(void **state)
{
	static const struct migration broken[] = {
	    FIRST, {"broken", "CREATE TABLE b (x); nonsense; PRAGMA user_version = 2"}, {NULL, NULL}};
	struct error error = {0};
	assert_true(migrations_apply(*state, broken, &error) < 0);
	assert_non_null(strstr(error.message, "broken"));
	assert_int_equal(read_integer(*state, "PRAGMA user_version"), 1);
	assert_int_equal(read_integer(*state, "SELECT count(*) FROM sqlite_schema"), 1);
	assert_int_equal(migrations_apply(*state, two, NULL), 0);
}

static void a_newer_schema_is_refused_with_both_versions(void **state)
{
	assert_int_equal(migrations_apply(*state, two, NULL), 0);
	struct error error = {0};
	assert_int_equal(migrations_apply(*state, one, &error), -ENOTSUP);
	assert_non_null(strstr(error.message, "version is 2"));
	assert_non_null(strstr(error.message, "up to 1"));
}

static void every_row_of_the_table_sets_its_own_number(void **state)
{
	for (int64_t i = 0; store_migrations[i].name; i++) {
		struct migration up_to_here[64] = {{NULL, NULL}};
		assert_true(i < 63);
		memcpy(up_to_here, store_migrations, (size_t) (i + 1) * sizeof(up_to_here[0]));
		assert_int_equal(migrations_apply(*state, up_to_here, NULL), 0);
		assert_int_equal(read_integer(*state, "PRAGMA user_version"), i + 1);
	}
	assert_int_equal(read_integer(*state, "PRAGMA application_id"), 0x656d7564);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_memory, close_memory)
	const struct CMUnitTest tests[] = {
	    TEST(only_the_steps_that_are_missing_are_taken),
	    TEST(a_step_that_fails_leaves_the_step_before),
	    TEST(a_newer_schema_is_refused_with_both_versions),
	    TEST(every_row_of_the_table_sets_its_own_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
