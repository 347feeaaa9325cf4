#include "store_fixture.h"

#include "server/store/database.h"
#include "server/store/files.h"
#include "server/store/instances.h"
#include "server/store/migrations.h"
#include "server/store/runs.h"

#include <inttypes.h>
#include <string.h>

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct run_row row_of(char *state)
{
	return (struct run_row){
	    .state = state,
	    .target = "mps2",
	    .labels = "{}",
	    .client = "token:ana",
	    .spec = "{\"pass\":[\"OK\"]}",
	    .created_at_ms = 1000,
	};
}

static struct run_row ended(char *verdict, int64_t ended_at_ms)
{
	struct run_row row = row_of("ended");
	row.verdict = verdict;
	row.result = "{}";
	row.ended_at_ms = ended_at_ms;
	return row;
}

static int64_t insert(struct store *store, struct run_row row)
{
	struct error error = {0};
	if (runs_insert(store, &row, &error))
		fail_msg("%s", error.message);
	return row.id;
}

static void insert_file(struct store *store)
{
	struct file_row file = {.sha256 = SHA, .name = "a.elf", .kind = "elf32", .size_bytes = 10};
	assert_int_equal(files_insert(store, &file, NULL, NULL), 0);
}

static void a_row_comes_back_as_it_was_stored(void **state)
{
	struct store_fixture *fixture = *state;
	insert_file(fixture->store);
	struct run_row row = row_of("running");
	row.labels = "{\"branch\":\"main\"}";
	row.file = SHA;
	row.is_detached = true;
	row.instance = "run-1";
	row.progress = "{\"offset\":7}";
	row.tests = "[{\"name\":\"a\"}]";
	row.output_bytes = INT64_C(1) << 40;
	row.started_at_ms = 2000;
	assert_int_equal(insert(fixture->store, row), 1);
	store_fixture_reopen(fixture);

	cleanup_run_row struct run_row found = {0};
	assert_int_equal(runs_get(fixture->store, 1, &found, NULL), 0);
	assert_int_equal(found.id, 1);
	assert_string_equal(found.state, "running");
	assert_null(found.verdict);
	assert_string_equal(found.target, "mps2");
	assert_string_equal(found.labels, row.labels);
	assert_string_equal(found.client, "token:ana");
	assert_string_equal(found.spec, row.spec);
	assert_string_equal(found.file, SHA);
	assert_true(found.is_detached);
	assert_string_equal(found.instance, "run-1");
	assert_string_equal(found.progress, row.progress);
	assert_null(found.result);
	assert_string_equal(found.tests, row.tests);
	assert_true(found.output_bytes == row.output_bytes);
	assert_int_equal(found.created_at_ms, 1000);
	assert_int_equal(found.started_at_ms, 2000);
	assert_int_equal(found.ended_at_ms, 0);
}

static void an_update_changes_what_may_change_and_nothing_else(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row row = row_of("running");
	row.instance = "run-1";
	row.id = insert(fixture->store, row);
	row.state = "ended";
	row.verdict = "failed";
	row.instance = NULL;
	row.result = "{\"reason\":\"x\"}";
	row.tests = "[]";
	row.output_bytes = 12;
	row.ended_at_ms = 3000;
	row.target = "other";
	row.client = "other";
	row.spec = "{}";
	row.labels = "{\"a\":\"b\"}";
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	cleanup_run_row struct run_row found = {0};
	assert_int_equal(runs_get(fixture->store, row.id, &found, NULL), 0);
	assert_string_equal(found.state, "ended");
	assert_string_equal(found.verdict, "failed");
	assert_null(found.instance);
	assert_string_equal(found.result, row.result);
	assert_string_equal(found.tests, "[]");
	assert_int_equal(found.output_bytes, 12);
	assert_int_equal(found.ended_at_ms, 3000);
	assert_string_equal(found.target, "mps2");
	assert_string_equal(found.client, "token:ana");
	assert_string_equal(found.spec, "{\"pass\":[\"OK\"]}");
	assert_string_equal(found.labels, "{}");
}

static void what_is_no_state_or_verdict_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row wrong[] = {row_of("paused"), ended("won", 1), row_of("ended"), row_of("running"),
				  ended("passed", 0)};
	wrong[3].verdict = "passed";
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error error = {0};
		assert_int_equal(runs_insert(fixture->store, &wrong[i], &error), -EEXIST);
		assert_string_equal(error.code, "conflict");
	}
	char *verdicts[] = {"passed", "failed", "timed_out", "crashed", "not_started", "canceled"};
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		insert(fixture->store, ended(verdicts[i], 1));
}

static void what_is_not_there_is_not_found(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row row = row_of("queued"), found;
	row.id = 7;
	struct error error = {0};
	assert_int_equal(runs_get(fixture->store, 7, &found, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	error = (struct error){0};
	assert_int_equal(runs_update(fixture->store, &row, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	error = (struct error){0};
	assert_int_equal(runs_delete(fixture->store, 7, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	row.file = SHA;
	error = (struct error){0};
	assert_int_equal(runs_insert(fixture->store, &row, &error), -ENOENT);
	assert_string_equal(error.code, "file_not_found");
}

static void an_id_is_never_used_again(void **state)
{
	struct store_fixture *fixture = *state;
	assert_int_equal(insert(fixture->store, row_of("queued")), 1);
	assert_int_equal(insert(fixture->store, row_of("queued")), 2);
	assert_int_equal(runs_delete(fixture->store, 2, NULL), 0);
	store_fixture_reopen(fixture);
	assert_int_equal(insert(fixture->store, row_of("queued")), 3);
}

static void a_file_of_a_run_cannot_be_deleted(void **state)
{
	struct store_fixture *fixture = *state;
	insert_file(fixture->store);
	struct run_row row = ended("passed", 1);
	row.file = SHA;
	int64_t id = insert(fixture->store, row);
	struct error error = {0};
	assert_int_equal(files_delete(fixture->store, SHA, &error), -EBUSY);
	assert_string_equal(error.code, "file_in_use");
	assert_non_null(strstr(error.message, "run"));
	assert_int_equal(runs_delete(fixture->store, id, NULL), 0);
	assert_int_equal(files_delete(fixture->store, SHA, NULL), 0);
}

/* ---- lists ---- */

static int note(struct run_row *row, void *data)
{
	assert_null(row->tests);
	char *seen = data;
	sprintf(seen + strlen(seen), "%" PRId64 " ", row->id);
	return 0;
}

static void expect_list(struct store *store, struct runs_filter filter, const char *expected,
			bool expect_more)
{
	char seen[256] = "";
	bool has_more = !expect_more;
	struct error error = {0};
	if (runs_list(store, &filter, note, seen, &has_more, &error))
		fail_msg("%s", error.message);
	assert_string_equal(seen, expected);
	assert_int_equal(has_more, expect_more);
}

static void lists_go_from_the_newest_in_pages(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row row = ended("passed", 1);
	row.tests = "[]";
	for (int i = 0; i < 5; i++)
		insert(fixture->store, row);
	expect_list(fixture->store, (struct runs_filter){0}, "5 4 3 2 1 ", false);
	expect_list(fixture->store, (struct runs_filter){.limit = 2}, "5 4 ", true);
	expect_list(fixture->store, (struct runs_filter){.limit = 2, .before = 4}, "3 2 ", true);
	expect_list(fixture->store, (struct runs_filter){.limit = 2, .before = 2}, "1 ", false);
	expect_list(fixture->store, (struct runs_filter){.limit = 2, .before = 3}, "2 1 ", false);
	expect_list(fixture->store, (struct runs_filter){.before = 1}, "", false);
}

struct asked {
	const char *state, *verdict, *target, *key, *value;
};

static void insert_of_every_kind(struct store *store)
{
	/* The bits of the row's number choose what it is. */
	for (int i = 0; i < 16; i++) {
		struct run_row row = i & 1 ? ended(i & 2 ? "passed" : "crashed", 1) : row_of("running");
		row.target = i & 4 ? "mps2" : "stellaris";
		row.labels = i & 8 ? "{\"a\":\"1\",\"b\":\"2\"}" : "{\"a\":\"2\"}";
		insert(store, row);
	}
}

static bool is_asked_for(const struct asked *asked, int i)
{
	bool is_ended = i & 1, has_b = i & 8;
	const char *verdict = is_ended ? (i & 2 ? "passed" : "crashed") : "";
	return (!asked->state || strcmp(asked->state, is_ended ? "ended" : "running") == 0) &&
	       (!asked->verdict || strcmp(asked->verdict, verdict) == 0) &&
	       (!asked->target || strcmp(asked->target, i & 4 ? "mps2" : "stellaris") == 0) &&
	       (!asked->key || (strcmp(asked->key, "a") == 0 ? strcmp(asked->value, has_b ? "1" : "2") == 0
							     : has_b && strcmp(asked->value, "2") == 0));
}

static void every_set_of_filters_finds_what_all_of_them_allow(void **state)
{
	struct store_fixture *fixture = *state;
	insert_of_every_kind(fixture->store);
	static const char *const states[] = {NULL, "running", "ended", "queued"};
	static const char *const verdicts[] = {NULL, "passed", "crashed"};
	static const char *const targets[] = {NULL, "mps2", "none"};
	static const char *const labels[][2] = {{NULL, NULL}, {"a", "1"}, {"a", "2"}, {"b", "2"}, {"b", "1"}};
	for (int n = 0; n < 4 * 3 * 3 * 5; n++) {
		struct asked asked = {.state = states[n % 4],
				      .verdict = verdicts[n / 4 % 3],
				      .target = targets[n / 12 % 3],
				      .key = labels[n / 36][0],
				      .value = labels[n / 36][1]};
		char expected[256] = "";
		for (int i = 15; i >= 0; i--)
			if (is_asked_for(&asked, i))
				sprintf(expected + strlen(expected), "%d ", i + 1);
		struct runs_filter filter = {.state = asked.state,
					     .verdict = asked.verdict,
					     .target = asked.target,
					     .label_key = asked.key,
					     .label_value = asked.value};
		expect_list(fixture->store, filter, expected, false);
	}
}

static void a_label_finds_a_run_as_it_is_now(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row row = row_of("queued");
	row.labels = "{\"a\":\"1\",\"b\":\"2\"}";
	row.id = insert(fixture->store, row);
	row.state = "running";
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	struct runs_filter filter = {.label_key = "b", .label_value = "2", .state = "queued"};
	expect_list(fixture->store, filter, "", false);
	filter.state = "running";
	expect_list(fixture->store, filter, "1 ", false);
	row = ended("failed", 5);
	row.id = 1;
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	expect_list(fixture->store, filter, "", false);
	filter.state = "ended";
	filter.verdict = "failed";
	expect_list(fixture->store, filter, "1 ", false);
}

static void labels_of_a_deleted_run_find_nothing(void **state)
{
	struct store_fixture *fixture = *state;
	insert_of_every_kind(fixture->store);
	for (int64_t id = 1; id <= 16; id++)
		assert_int_equal(runs_delete(fixture->store, id, NULL), 0);
	int64_t count = -1;
	assert_int_equal(
	    database_read_integer(fixture->store->db, "SELECT count(*) FROM run_labels", &count, NULL), 0);
	assert_int_equal(count, 0);
}

/* Whoever reads newest first from an index in that order neither sorts nor looks at rows in vain. */
static void expect_no_detour(struct store_fixture *fixture, const char *sql)
{
	char *explained = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *statement = NULL;
	assert_int_equal(sqlite3_prepare_v2(fixture->store->db, explained, -1, &statement, NULL), SQLITE_OK);
	sqlite3_free(explained);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char *step = (const char *) sqlite3_column_text(statement, 3);
		bool scans = strstr(step, "SCAN") && !strstr(step, "USING") && !strstr(step, "runs_kept_sum");
		if (scans || strstr(step, "TEMP B-TREE"))
			fail_msg("%s: %s", sql, step);
	}
	sqlite3_finalize(statement);
}

static void no_question_sorts_or_scans(void **state)
{
	struct store_fixture *fixture = *state;
	for (int set = 0; set < 16; set++) {
		char seen[16] = "";
		struct runs_filter filter = {.target = set & 1 ? "t" : NULL,
					     .state = set & 2 ? "ended" : NULL,
					     .verdict = set & 4 ? "passed" : NULL,
					     .label_key = set & 8 ? "k" : NULL,
					     .label_value = "v"};
		if (!(set & 8))
			filter.label_value = NULL;
		assert_int_equal(runs_list(fixture->store, &filter, note, seen, NULL, NULL), 0);
	}
	struct runs_kept kept;
	char seen[16] = "";
	assert_int_equal(runs_sum_kept(fixture->store, &kept, NULL), 0);
	assert_int_equal(runs_list_open(fixture->store, note, seen, NULL), 0);
	assert_int_equal(fixture->store->statement_count, 19);
	for (size_t i = 0; i < fixture->store->statement_count; i++)
		expect_no_detour(fixture, fixture->store->statements[i].sql);
}

/* ---- what is open, what is kept ---- */

static int note_open(struct run_row *row, void *data)
{
	assert_string_equal(row->tests, "[]");
	char *seen = data;
	sprintf(seen + strlen(seen), "%" PRId64 " ", row->id);
	return 0;
}

static void what_has_not_ended_or_holds_an_instance_is_open(void **state)
{
	struct store_fixture *fixture = *state;
	struct run_row rows[] = {row_of("queued"), ended("passed", 5), ended("passed", 4), row_of("running")};
	rows[2].instance = "run-3";
	for (size_t i = 0; i < 4; i++) {
		rows[i].tests = "[]";
		rows[i].output_bytes = 100;
		insert(fixture->store, rows[i]);
	}
	char seen[32] = "";
	assert_int_equal(runs_list_open(fixture->store, note_open, seen, NULL), 0);
	assert_string_equal(seen, "1 3 4 ");
}

static void the_oldest_is_the_one_that_ended_first(void **state)
{
	struct store_fixture *fixture = *state;
	struct runs_kept kept = {.count = -1, .oldest = -1};
	assert_int_equal(runs_sum_kept(fixture->store, &kept, NULL), 0);
	assert_int_equal(kept.count, 0);
	assert_int_equal(kept.bytes, 0);
	assert_int_equal(kept.oldest, 0);
	int64_t ends[] = {900, 700, 700, 100, 0};
	for (size_t i = 0; i < 5; i++) {
		struct run_row row = ends[i] ? ended("passed", ends[i]) : row_of("running");
		row.instance = i == 3 ? "run-4" : NULL;
		row.output_bytes = (int64_t) 1 << (40 + i);
		insert(fixture->store, row);
	}
	assert_int_equal(runs_sum_kept(fixture->store, &kept, NULL), 0);
	assert_int_equal(kept.count, 3);
	assert_true(kept.bytes == INT64_C(7) << 40);
	assert_int_equal(kept.oldest, 2);
	assert_int_equal(kept.oldest_ended_at_ms, 700);
}

static void expect_kept(struct store *store, int64_t count, int64_t bytes)
{
	struct runs_kept kept;
	assert_int_equal(runs_sum_kept(store, &kept, NULL), 0);
	assert_int_equal(kept.count, count);
	assert_int_equal(kept.bytes, bytes);
}

static void the_sum_follows_every_change(void **state)
{
	struct store_fixture *fixture = *state;
	insert(fixture->store, ended("passed", 1));
	struct run_row row = row_of("running");
	row.instance = "run-2";
	row.output_bytes = 3;
	row.id = insert(fixture->store, row);
	expect_kept(fixture->store, 1, 0);
	row.state = "ended";
	row.verdict = "failed";
	row.ended_at_ms = 9;
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	expect_kept(fixture->store, 1, 0);
	row.instance = NULL;
	row.output_bytes = 4096;
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	expect_kept(fixture->store, 2, 4096);
	row.output_bytes = 5;
	assert_int_equal(runs_update(fixture->store, &row, NULL), 0);
	expect_kept(fixture->store, 2, 5);
	assert_int_equal(runs_delete(fixture->store, 1, NULL), 0);
	expect_kept(fixture->store, 1, 5);
	assert_int_equal(runs_delete(fixture->store, 2, NULL), 0);
	expect_kept(fixture->store, 0, 0);
}

/* ---- migration ---- */

static void a_database_of_the_first_version_keeps_its_rows(void **state)
{
	struct store_fixture *fixture = *state;
	store_close(TAKE(fixture->store));
	assert_int_equal(unlink(fixture->path), 0);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	const struct migration first[] = {store_migrations[0], {NULL, NULL}};
	assert_int_equal(migrations_apply(db, first, NULL), 0);
	assert_int_equal(
	    sqlite3_exec(db,
			 "INSERT INTO files VALUES ('" SHA "', 10, 'a.elf', 'raw', NULL, NULL, 5);"
			 "INSERT INTO instances VALUES ('a', '/s/a', 't', 'x', 'created', 'idle', 0, NULL, 5,"
			 " NULL, NULL, '" SHA "', '{\"k\":\"v\"}', '{}', NULL)",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);

	fixture->store = store_open(fixture->path, NULL);
	assert_non_null(fixture->store);
	cleanup_instance_row struct instance_row instance = {0};
	assert_int_equal(instances_get(fixture->store, "a", &instance, NULL), 0);
	assert_string_equal(instance.file, SHA);
	struct run_row row = row_of("queued");
	row.file = SHA;
	insert(fixture->store, row);
	int64_t is_kept = 0;
	assert_int_equal(
	    database_read_integer(fixture->store->db, "SELECT is_kept FROM files", &is_kept, NULL), 0);
	assert_int_equal(is_kept, 1);
}

static void runs_of_the_third_version_are_found_and_counted(void **state)
{
	struct store_fixture *fixture = *state;
	store_close(TAKE(fixture->store));
	assert_int_equal(unlink(fixture->path), 0);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	const struct migration first[] = {
	    store_migrations[0], store_migrations[1], store_migrations[2], {NULL, NULL}};
	assert_int_equal(migrations_apply(db, first, NULL), 0);
	assert_int_equal(
	    sqlite3_exec(db,
			 "INSERT INTO runs (state, verdict, target, client, is_detached, output_bytes,"
			 " created_at, ended_at, labels, spec) VALUES"
			 " ('ended', 'passed', 't', 'c', 0, 7, 1, 2, '{\"k\":\"v\"}', '{}'),"
			 " ('running', NULL, 't', 'c', 0, 9, 1, NULL, '{\"k\":\"v\"}', '{}')",
			 NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	fixture->store = store_open(fixture->path, NULL);
	assert_non_null(fixture->store);
	expect_kept(fixture->store, 1, 7);
	struct runs_filter filter = {.label_key = "k", .label_value = "v", .target = "t"};
	expect_list(fixture->store, filter, "2 1 ", false);
	filter.verdict = "passed";
	expect_list(fixture->store, filter, "1 ", false);
	assert_int_equal(runs_delete(fixture->store, 1, NULL), 0);
	expect_list(fixture->store, filter, "", false);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_row_comes_back_as_it_was_stored),
	    TEST(an_update_changes_what_may_change_and_nothing_else),
	    TEST(what_is_no_state_or_verdict_is_refused),
	    TEST(what_is_not_there_is_not_found),
	    TEST(an_id_is_never_used_again),
	    TEST(a_file_of_a_run_cannot_be_deleted),
	    TEST(lists_go_from_the_newest_in_pages),
	    TEST(every_set_of_filters_finds_what_all_of_them_allow),
	    TEST(a_label_finds_a_run_as_it_is_now),
	    TEST(labels_of_a_deleted_run_find_nothing),
	    TEST(no_question_sorts_or_scans),
	    TEST(what_has_not_ended_or_holds_an_instance_is_open),
	    TEST(the_oldest_is_the_one_that_ended_first),
	    TEST(the_sum_follows_every_change),
	    TEST(a_database_of_the_first_version_keeps_its_rows),
	    TEST(runs_of_the_third_version_are_found_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
