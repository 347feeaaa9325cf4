#include "store_fixture.h"

#include "server/store/files.h"
#include "server/store/instances.h"
#include "server/store/runs.h"

#include <string.h>

static struct file_row row_of(char *sha256, char *name)
{
	return (struct file_row){.sha256 = sha256,
				 .name = name,
				 .kind = "raw",
				 .size_bytes = 7,
				 .created_at_ms = 1000,
				 .is_kept = true};
}

static void insert(struct store *store, struct file_row row, bool expect_new)
{
	struct error error = {0};
	bool is_new = !expect_new;
	if (files_insert(store, &row, &is_new, &error))
		fail_msg("%s", error.message);
	assert_int_equal(is_new, expect_new);
}

static void a_row_comes_back_with_an_entry_beyond_63_bits(void **state)
{
	struct store_fixture *fixture = *state;
	struct file_row row = row_of("aa", "kernel");
	row.kind = "elf64";
	row.machine = "x86-64";
	row.has_entry = true;
	row.entry = UINT64_C(0xffffffff81000000);
	insert(fixture->store, row, true);
	store_fixture_reopen(fixture);
	cleanup_file_row struct file_row found = {0};
	assert_int_equal(files_get(fixture->store, "aa", &found, NULL), 0);
	assert_string_equal(found.sha256, "aa");
	assert_string_equal(found.name, "kernel");
	assert_string_equal(found.kind, "elf64");
	assert_string_equal(found.machine, "x86-64");
	assert_int_equal(found.size_bytes, 7);
	assert_true(found.has_entry);
	assert_true(found.entry == row.entry);
	assert_int_equal(found.created_at_ms, 1000);
	assert_true(found.is_kept);
}

static void the_first_upload_gives_the_name(void **state)
{
	struct store_fixture *fixture = *state;
	insert(fixture->store, row_of("aa", "first"), true);
	insert(fixture->store, row_of("aa", "second"), false);
	cleanup_file_row struct file_row found = {0};
	assert_int_equal(files_get(fixture->store, "aa", &found, NULL), 0);
	assert_string_equal(found.name, "first");
	assert_null(found.machine);
	assert_false(found.has_entry);
}

static struct instance_row user_of(char *sha256, char *id, char *path)
{
	return (struct instance_row){.id = id,
				     .path = path,
				     .target = "t",
				     .emulator = "qemu",
				     .spec = "{}",
				     .labels = "{}",
				     .state = "created",
				     .file = sha256};
}

static void a_file_in_use_cannot_be_deleted(void **state)
{
	struct store_fixture *fixture = *state;
	insert(fixture->store, row_of("aa", "x"), true);
	struct instance_row instance = user_of("aa", "a", "/s/a");
	assert_int_equal(instances_insert(fixture->store, &instance, NULL), 0);
	struct error error = {0};
	assert_int_equal(files_delete(fixture->store, "aa", &error), -EBUSY);
	assert_string_equal(error.code, "file_in_use");
	assert_string_equal(error.message, "the file is that of instance a: delete that first");

	instance.file = NULL; /* restarted with another file */
	assert_int_equal(instances_update(fixture->store, &instance, NULL), 0);
	assert_int_equal(files_delete(fixture->store, "aa", &error), 0);
	error = (struct error){0};
	assert_int_equal(files_delete(fixture->store, "aa", &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	struct file_row found;
	assert_int_equal(files_get(fixture->store, "aa", &found, &error), -ENOENT);
}

static int64_t insert_run(struct store *store, char *file)
{
	struct run_row run = {
	    .state = "queued", .target = "t", .labels = "{}", .client = "c", .spec = "{}", .file = file};
	assert_int_equal(runs_insert(store, &run, NULL), 0);
	return run.id;
}

static void refuses_deletion(struct store *store, const char *message)
{
	struct error error = {0};
	assert_int_equal(files_delete(store, "aa", &error), -EBUSY);
	assert_string_equal(error.code, "file_in_use");
	assert_string_equal(error.message, message);
}

static void who_uses_a_file_is_named(void **state)
{
	struct store *store = ((struct store_fixture *) *state)->store;
	insert(store, row_of("aa", "x"), true);
	insert_run(store, "aa");
	struct instance_row board = user_of("aa", "run-1", "/run-1");
	board.labels = "{\"emud.run\":\"1\"}";
	board.state = "running";
	assert_int_equal(instances_insert(store, &board, NULL), 0);
	refuses_deletion(
	    store,
	    "the file is that of run 1: it can be deleted when that is no longer kept (limits.kept_runs)");
	for (int i = 0; i < 3; i++)
		insert_run(store, "aa");
	refuses_deletion(store,
			 "the file is that of runs 4, 3, 2 and others: it can be deleted when they are no "
			 "longer kept (limits.kept_runs)");
	static char *const ids[] = {"d", "b", "c", "a"};
	for (size_t i = 0; i < 4; i++) {
		char path[] = {'/', ids[i][0], '\0'};
		struct instance_row instance = user_of("aa", ids[i], path);
		assert_int_equal(instances_insert(store, &instance, NULL), 0);
	}
	refuses_deletion(store, "the file is that of instances a, b, c and others: delete those first");
}

static bool release(struct store *store, const char *sha256)
{
	struct error error = {0};
	bool is_gone = false;
	if (files_release(store, sha256, &is_gone, &error))
		fail_msg("%s", error.message);
	return is_gone;
}

static void a_file_that_is_not_kept_goes_when_nobody_has_it(void **state)
{
	struct store_fixture *fixture = *state;
	struct file_row row = row_of("aa", "x");
	row.is_kept = false;
	insert(fixture->store, row, true);
	insert(fixture->store, row_of("bb", "kept"), true);
	int64_t one = insert_run(fixture->store, "aa"), other = insert_run(fixture->store, "aa");
	assert_false(release(fixture->store, "aa"));
	assert_int_equal(runs_delete(fixture->store, one, NULL), 0);
	assert_false(release(fixture->store, "aa"));
	assert_int_equal(runs_delete(fixture->store, other, NULL), 0);
	assert_true(release(fixture->store, "aa"));
	assert_false(release(fixture->store, "aa"));
	assert_false(release(fixture->store, "bb"));
	struct file_row found;
	assert_int_equal(files_get(fixture->store, "aa", &found, NULL), -ENOENT);
	assert_int_equal(files_delete(fixture->store, "bb", NULL), 0);
}

static void what_is_kept_later_stays(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error = {0};
	assert_int_equal(files_keep(fixture->store, "aa", &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	struct file_row row = row_of("aa", "x");
	row.is_kept = false;
	insert(fixture->store, row, true);
	assert_int_equal(files_keep(fixture->store, "aa", NULL), 0);
	assert_false(release(fixture->store, "aa"));
	assert_int_equal(files_delete(fixture->store, "aa", NULL), 0);
}

static int note(struct file_row *row, void *data)
{
	strcat(data, row->name);
	strcat(data, row->sha256);
	strcat(data, " ");
	return 0;
}

static void pages_go_by_name_and_do_not_lose_namesakes(void **state)
{
	struct store_fixture *fixture = *state;
	insert(fixture->store, row_of("3", "n"), true);
	insert(fixture->store, row_of("1", "n"), true);
	insert(fixture->store, row_of("2", "a"), true);
	insert(fixture->store, row_of("9", ""), true);
	char seen[64] = "";
	bool more = false;
	struct files_page page = {.limit = 3};
	assert_int_equal(files_list(fixture->store, &page, note, seen, &more, NULL), 0);
	assert_string_equal(seen, "9 a2 n1 ");
	assert_true(more);
	page.after_name = "n";
	page.after_sha256 = "1";
	seen[0] = 0;
	assert_int_equal(files_list(fixture->store, &page, note, seen, &more, NULL), 0);
	assert_string_equal(seen, "n3 ");
	assert_false(more);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_row_comes_back_with_an_entry_beyond_63_bits),
	    TEST(the_first_upload_gives_the_name),
	    TEST(a_file_in_use_cannot_be_deleted),
	    TEST(who_uses_a_file_is_named),
	    TEST(a_file_that_is_not_kept_goes_when_nobody_has_it),
	    TEST(what_is_kept_later_stays),
	    TEST(pages_go_by_name_and_do_not_lose_namesakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
