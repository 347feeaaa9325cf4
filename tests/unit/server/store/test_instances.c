#include "store_fixture.h"

#include "server/store/files.h"
#include "server/store/instances.h"

#include <string.h>

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct instance_row row_of(char *id, char *path)
{
	return (struct instance_row){
	    .id = id,
	    .path = path,
	    .target = "qemu-lm3s6965evb",
	    .emulator = "qemu",
	    .spec = "{\"target\":\"qemu-lm3s6965evb\"}",
	    .labels = "{}",
	    .state = "created",
	    .created_at_ms = 1000,
	};
}

static void insert(struct store *store, const struct instance_row *row)
{
	struct error error = {0};
	if (instances_insert(store, row, &error))
		fail_msg("%s", error.message);
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
	struct instance_row row = row_of("a", "/s/a");
	row.labels = "{\"owner\":\"ana\"}";
	row.file = SHA;
	row.state = "failed";
	row.exit = "{\"code\":1}";
	row.boot_id = "b-1";
	row.phase = INSTANCE_STARTING;
	row.start_number = 3;
	row.started_at_ms = 2000;
	row.ended_at_ms = 3000;
	insert(fixture->store, &row);
	store_fixture_reopen(fixture);

	cleanup_instance_row struct instance_row found = {0};
	assert_int_equal(instances_get(fixture->store, "a", &found, NULL), 0);
	assert_string_equal(found.id, "a");
	assert_string_equal(found.path, "/s/a");
	assert_string_equal(found.target, row.target);
	assert_string_equal(found.emulator, "qemu");
	assert_string_equal(found.spec, row.spec);
	assert_string_equal(found.labels, row.labels);
	assert_string_equal(found.file, SHA);
	assert_string_equal(found.state, "failed");
	assert_string_equal(found.exit, row.exit);
	assert_string_equal(found.boot_id, "b-1");
	assert_int_equal(found.phase, INSTANCE_STARTING);
	assert_int_equal(found.start_number, 3);
	assert_int_equal(found.created_at_ms, 1000);
	assert_int_equal(found.started_at_ms, 2000);
	assert_int_equal(found.ended_at_ms, 3000);
}

static void what_is_absent_comes_back_absent(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a");
	insert(fixture->store, &row);
	cleanup_instance_row struct instance_row found = {0};
	assert_int_equal(instances_get(fixture->store, "a", &found, NULL), 0);
	assert_null(found.file);
	assert_null(found.exit);
	assert_null(found.boot_id);
	assert_int_equal(found.started_at_ms, 0);
	assert_int_equal(found.ended_at_ms, 0);
	assert_int_equal(found.phase, INSTANCE_IDLE);
}

static void a_taken_id_and_a_taken_path_are_told_apart(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a");
	insert(fixture->store, &row);
	struct error error = {0};
	struct instance_row same_id = row_of("a", "/s/other");
	assert_int_equal(instances_insert(fixture->store, &same_id, &error), -EEXIST);
	assert_string_equal(error.code, "id_taken");
	struct instance_row same_path = row_of("b", "/s/a");
	assert_int_equal(instances_insert(fixture->store, &same_path, &error), -EEXIST);
	assert_string_equal(error.code, "conflict");
	assert_non_null(strstr(error.message, "/s/a"));
}

static void a_file_that_was_not_uploaded_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a");
	row.file = SHA;
	struct error error = {0};
	assert_int_equal(instances_insert(fixture->store, &row, &error), -ENOENT);
	assert_string_equal(error.code, "file_not_found");
	int64_t count = -1;
	assert_int_equal(instances_count(fixture->store, &count, NULL), 0);
	assert_int_equal(count, 0);
}

static void an_update_changes_what_may_change_and_nothing_else(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a");
	row.labels = "{\"k\":\"v\"}";
	insert(fixture->store, &row);
	row.state = "running";
	row.start_number = 2;
	row.phase = INSTANCE_DELETING;
	row.path = "/elsewhere";
	row.target = "other";
	row.labels = "{}";
	assert_int_equal(instances_update(fixture->store, &row, NULL), 0);
	cleanup_instance_row struct instance_row found = {0};
	assert_int_equal(instances_get(fixture->store, "a", &found, NULL), 0);
	assert_string_equal(found.state, "running");
	assert_int_equal(found.start_number, 2);
	assert_int_equal(found.phase, INSTANCE_DELETING);
	assert_string_equal(found.path, "/s/a");
	assert_string_equal(found.target, "qemu-lm3s6965evb");
	assert_string_equal(found.labels, "{\"k\":\"v\"}");
}

static void what_is_not_there_is_not_found(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a"), found;
	struct error error = {0};
	assert_int_equal(instances_get(fixture->store, "a", &found, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	error = (struct error){0};
	assert_int_equal(instances_update(fixture->store, &row, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	error = (struct error){0};
	assert_int_equal(instances_delete(fixture->store, "a", &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
}

struct seen {
	char ids[256];
	struct store *store;
	int stop_after;
	int count;
};

static int note_id(struct instance_row *row, void *data)
{
	struct seen *seen = data;
	strcat(seen->ids, row->id);
	strcat(seen->ids, " ");
	return seen->stop_after && ++seen->count == seen->stop_after;
}

static const char *list(struct store *store, struct instances_filter filter, struct seen *seen, bool *more)
{
	*seen = (struct seen){0};
	struct error error = {0};
	if (instances_list(store, &filter, note_id, seen, more, &error))
		fail_msg("%s", error.message);
	return seen->ids;
}

static void insert_five(struct store *store)
{
	const char *const labels[] = {"{\"team\":\"red\",\"rack\":\"1\"}", "{\"team\":\"blue\"}", "{}",
				      "{\"team\":\"red\"}", "{\"rack\":\"red\"}"};
	for (int i = 4; i >= 0; i--) {
		char id[2] = {(char) ('a' + i), 0}, path[8];
		snprintf(path, sizeof(path), "/s/%s", id);
		struct instance_row row = row_of(id, path);
		row.labels = (char *) labels[i];
		row.state = i % 2 ? "exited" : "running";
		row.target = i < 3 ? "one" : "two";
		insert(store, &row);
	}
}

static void lists_are_ordered_by_id_and_filtered(void **state)
{
	struct store_fixture *fixture = *state;
	struct store *store = fixture->store;
	insert_five(store);
	struct seen seen;
	bool more;
	assert_string_equal(list(store, (struct instances_filter){0}, &seen, &more), "a b c d e ");
	assert_false(more);
	assert_string_equal(list(store, (struct instances_filter){.state = "running"}, &seen, &more),
			    "a c e ");
	assert_string_equal(list(store, (struct instances_filter){.target = "two"}, &seen, &more), "d e ");
	struct instances_filter red = {.label_key = "team", .label_value = "red"};
	assert_string_equal(list(store, red, &seen, &more), "a d ");
	red.state = "exited";
	assert_string_equal(list(store, red, &seen, &more), "d ");
	red.target = "one";
	assert_string_equal(list(store, red, &seen, &more), "");
}

static void pages_join_without_gap_or_overlap(void **state)
{
	struct store_fixture *fixture = *state;
	struct store *store = fixture->store;
	insert_five(store);
	struct seen seen;
	bool more;
	assert_string_equal(list(store, (struct instances_filter){.limit = 2}, &seen, &more), "a b ");
	assert_true(more);
	struct instances_filter second = {.limit = 3, .after = "b"};
	assert_string_equal(list(store, second, &seen, &more), "c d e ");
	assert_false(more);
	struct instances_filter red = {.label_key = "team", .label_value = "red", .limit = 1};
	assert_string_equal(list(store, red, &seen, &more), "a ");
	assert_true(more);
	red.after = "a";
	assert_string_equal(list(store, red, &seen, &more), "d ");
	assert_false(more);
}

static void a_deleted_instance_leaves_no_label_behind(void **state)
{
	struct store_fixture *fixture = *state;
	insert_five(fixture->store);
	assert_int_equal(instances_delete(fixture->store, "a", NULL), 0);
	struct instance_row again = row_of("a", "/s/a");
	insert(fixture->store, &again);
	struct seen seen;
	bool more;
	struct instances_filter red = {.label_key = "team", .label_value = "red"};
	assert_string_equal(list(fixture->store, red, &seen, &more), "d ");
}

static void a_listing_stops_when_it_is_told_to(void **state)
{
	struct store_fixture *fixture = *state;
	insert_five(fixture->store);
	struct seen seen = {.stop_after = 2};
	struct instances_filter all = {0};
	assert_int_equal(instances_list(fixture->store, &all, note_id, &seen, NULL, NULL), 0);
	assert_string_equal(seen.ids, "a b ");
}

static int mark_and_nest(struct instance_row *row, void *data)
{
	struct seen *seen = data;
	row->state = (free(row->state), strdup("marked"));
	assert_int_equal(instances_update(seen->store, row, NULL), 0);
	struct instances_filter all = {0};
	assert_int_equal(instances_list(seen->store, &all, note_id, seen, NULL, NULL), -EBUSY);
	seen->count++;
	return 0;
}

static void rows_can_be_updated_while_they_are_listed(void **state)
{
	struct store_fixture *fixture = *state;
	insert_five(fixture->store);
	struct seen seen = {.store = fixture->store};
	struct instances_filter all = {0};
	assert_int_equal(instances_list(fixture->store, &all, mark_and_nest, &seen, NULL, NULL), 0);
	assert_int_equal(seen.count, 5);
	bool more;
	struct instances_filter marked = {.state = "marked"};
	assert_string_equal(list(fixture->store, marked, &seen, &more), "a b c d e ");
}

static void quotes_in_values_stay_values(void **state)
{
	struct store_fixture *fixture = *state;
	struct instance_row row = row_of("a", "/s/a'); DROP TABLE instances; --");
	row.labels = "{\"it's\":\"\\\"x\\\" or 1=1\"}";
	insert(fixture->store, &row);
	struct seen seen;
	bool more;
	struct instances_filter filter = {.label_key = "it's", .label_value = "\"x\" or 1=1"};
	assert_string_equal(list(fixture->store, filter, &seen, &more), "a ");
	filter.label_value = "' OR '1'='1";
	assert_string_equal(list(fixture->store, filter, &seen, &more), "");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_row_comes_back_as_it_was_stored),
	    TEST(what_is_absent_comes_back_absent),
	    TEST(a_taken_id_and_a_taken_path_are_told_apart),
	    TEST(a_file_that_was_not_uploaded_is_refused),
	    TEST(an_update_changes_what_may_change_and_nothing_else),
	    TEST(what_is_not_there_is_not_found),
	    TEST(lists_are_ordered_by_id_and_filtered),
	    TEST(pages_join_without_gap_or_overlap),
	    TEST(a_deleted_instance_leaves_no_label_behind),
	    TEST(a_listing_stops_when_it_is_told_to),
	    TEST(rows_can_be_updated_while_they_are_listed),
	    TEST(quotes_in_values_stay_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
