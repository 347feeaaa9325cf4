#include "api_fixture.h"

#include "elf_fixture.h"
#include "server/api/file_store.h"
#include "server/store/instances.h"
#include "server/store/runs.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_OF_NOTHING_KNOWN "0000000000000000000000000000000000000000000000000000000000000000"

enum { LIMIT_BYTES = 1024 * 1024 };

struct files_fixture {
	struct api_fixture *base;
	char directory[96];
	struct file_store *files;
};

static void open_files(struct files_fixture *fixture)
{
	struct error error = {0};
	fixture->files = file_store_create(fixture->directory, fixture->base->store, LIMIT_BYTES, &error);
	if (!fixture->files)
		fail_msg("%s", error.message);
}

static int setup(void **state)
{
	struct files_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->base = api_fixture_create();
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/files", fixture->base->directory);
	open_files(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct files_fixture *fixture = *state;
	file_store_destroy(fixture->files);
	api_fixture_destroy(fixture->base);
	free(fixture);
	return 0;
}

typedef int commit(struct file_upload *upload, const char *name, struct file_row *ret_row, bool *ret_is_new,
		   struct error *error);

static int upload_as(commit *commit_it, struct file_store *files, const void *bytes, size_t length,
		     const char *name, struct file_row *row, bool *is_new, struct error *error)
{
	struct file_upload *upload = file_upload_create(files, error);
	assert_non_null(upload);
	int number = file_upload_append(upload, bytes, length / 2, error);
	if (!number)
		number =
		    file_upload_append(upload, (const char *) bytes + length / 2, length - length / 2, error);
	if (!number)
		number = commit_it(upload, name, row, is_new, error);
	file_upload_destroy(upload);
	return number;
}

static int upload(struct file_store *files, const void *bytes, size_t length, const char *name,
		  struct file_row *row, bool *is_new, struct error *error)
{
	return upload_as(file_upload_commit, files, bytes, length, name, row, is_new, error);
}

static void upload_well(struct file_store *files, const void *bytes, size_t length, const char *name,
			bool expect_new, struct file_row *row)
{
	struct error error = {0};
	bool is_new = !expect_new;
	if (upload(files, bytes, length, name, row, &is_new, &error))
		fail_msg("%s", error.message);
	assert_int_equal(is_new, expect_new);
}

static int count_entries(const char *directory)
{
	DIR *stream = opendir(directory);
	assert_non_null(stream);
	int count = -2;
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static void an_upload_is_kept_private_under_its_digest(void **state)
{
	struct files_fixture *fixture = *state;
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, "abc", 3, "letters", true, &row);
	assert_string_equal(row.sha256, SHA_OF_ABC);
	assert_string_equal(row.name, "letters");
	assert_string_equal(row.kind, "raw");
	assert_null(row.machine);
	assert_int_equal(row.size_bytes, 3);
	assert_true(row.created_at_ms > 0);

	cleanup_free char *path = file_store_path(fixture->files, SHA_OF_ABC);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(fixture->directory, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(count_entries(fixture->directory), 1);

	cleanup_close int fd = file_store_open(fixture->files, SHA_OF_ABC, NULL);
	char bytes[8] = "";
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
	assert_string_equal(bytes, "abc");
	assert_true(write(fd, "x", 1) < 0);
}

static void the_header_of_an_elf_file_is_kept(void **state)
{
	struct files_fixture *fixture = *state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, &elf, sizeof(elf), NULL, true, &row);
	assert_string_equal(row.name, "");
	assert_string_equal(row.kind, "elf32");
	assert_string_equal(row.machine, "ARM");
	assert_true(row.has_entry);
	assert_int_equal(row.entry, 0x411);
}

static void the_same_bytes_again_are_the_same_file(void **state)
{
	struct files_fixture *fixture = *state;
	cleanup_file_row struct file_row first = {0}, second = {0};
	upload_well(fixture->files, "abc", 3, "first", true, &first);
	upload_well(fixture->files, "abc", 3, "second", false, &second);
	assert_string_equal(second.name, "first");
	assert_int_equal(count_entries(fixture->directory), 1);
}

static void refuse(struct files_fixture *fixture, const void *bytes, size_t length, const char *code)
{
	struct error error = {0};
	struct file_row row;
	bool is_new;
	assert_true(upload(fixture->files, bytes, length, "x", &row, &is_new, &error) < 0);
	assert_string_equal(error.code, code);
	assert_int_equal(count_entries(fixture->directory), 0);
}

static void a_refused_upload_leaves_nothing_behind(void **state)
{
	struct files_fixture *fixture = *state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	refuse(fixture, &elf, sizeof(elf) - 1, "invalid_file");
	refuse(fixture, "", 0, "invalid_file");
	static char large[LIMIT_BYTES + 1];
	refuse(fixture, large, sizeof(large), "too_large");
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, large, LIMIT_BYTES, "just fits", true, &row);
}

static void a_client_that_vanishes_leaves_nothing_behind(void **state)
{
	struct files_fixture *fixture = *state;
	struct file_upload *one = file_upload_create(fixture->files, NULL);
	struct file_upload *other = file_upload_create(fixture->files, NULL);
	assert_int_equal(file_upload_append(one, "a", 1, NULL), 0);
	assert_int_equal(file_upload_append(other, "abc", 3, NULL), 0);
	file_upload_destroy(one);
	cleanup_file_row struct file_row row = {0};
	bool is_new;
	assert_int_equal(file_upload_commit(other, NULL, &row, &is_new, NULL), 0);
	file_upload_destroy(other);
	assert_string_equal(row.sha256, SHA_OF_ABC);
	assert_int_equal(count_entries(fixture->directory), 1);
}

static void what_is_not_there_cannot_be_opened(void **state)
{
	struct files_fixture *fixture = *state;
	struct error error = {0};
	assert_int_equal(file_store_open(fixture->files, SHA_OF_NOTHING_KNOWN, &error), -ENOENT);
	assert_string_equal(error.code, "file_not_found");
	assert_int_equal(file_store_open(fixture->files, "../emud.db", &error), -EINVAL);
	assert_string_equal(error.code, "invalid_value");
	assert_int_equal(file_store_delete(fixture->files, SHA_OF_NOTHING_KNOWN, &error), -ENOENT);
	assert_string_equal(error.code, "not_found");
	assert_int_equal(file_store_delete(fixture->files, "../emud.db", &error), -ENOENT);
}

static void bytes_that_the_disk_lost_are_told_and_healed_by_an_upload(void **state)
{
	struct files_fixture *fixture = *state;
	cleanup_file_row struct file_row row = {0}, again = {0};
	upload_well(fixture->files, "abc", 3, NULL, true, &row);
	cleanup_free char *path = file_store_path(fixture->files, SHA_OF_ABC);
	assert_int_equal(truncate(path, 1), 0);
	struct error error = {0};
	assert_true(file_store_open(fixture->files, SHA_OF_ABC, &error) < 0);
	assert_string_equal(error.code, "invalid_file");
	upload_well(fixture->files, "abc", 3, NULL, false, &again);
	cleanup_close int fd = file_store_open(fixture->files, SHA_OF_ABC, NULL);
	assert_true(fd >= 0);
}

static void a_file_in_use_stays(void **state)
{
	struct files_fixture *fixture = *state;
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, "abc", 3, NULL, true, &row);
	struct instance_row instance = {.id = "a",
					.path = "/s/a",
					.target = "t",
					.emulator = "qemu",
					.spec = "{}",
					.labels = "{}",
					.state = "created",
					.file = SHA_OF_ABC};
	assert_int_equal(instances_insert(fixture->base->store, &instance, NULL), 0);
	struct error error = {0};
	assert_int_equal(file_store_delete(fixture->files, SHA_OF_ABC, &error), -EBUSY);
	assert_string_equal(error.code, "file_in_use");
	assert_int_equal(count_entries(fixture->directory), 1);
	assert_int_equal(instances_delete(fixture->base->store, "a", NULL), 0);
	assert_int_equal(file_store_delete(fixture->files, SHA_OF_ABC, &error), 0);
	assert_int_equal(count_entries(fixture->directory), 0);
}

/* ---- files that came with runs ---- */

static void upload_for_run(struct files_fixture *fixture, bool expect_new, bool expect_kept)
{
	struct error error = {0};
	cleanup_file_row struct file_row row = {0};
	bool is_new = !expect_new;
	if (upload_as(file_upload_commit_for_run, fixture->files, "abc", 3, "x", &row, &is_new, &error))
		fail_msg("%s", error.message);
	assert_int_equal(is_new, expect_new);
	assert_int_equal(row.is_kept, expect_kept);
}

static int64_t insert_run(struct files_fixture *fixture)
{
	struct run_row run = {.state = "queued",
			      .target = "t",
			      .labels = "{}",
			      .client = "c",
			      .spec = "{}",
			      .file = SHA_OF_ABC};
	assert_int_equal(runs_insert(fixture->base->store, &run, NULL), 0);
	return run.id;
}

static void a_file_that_came_with_runs_goes_with_the_last_of_them(void **state)
{
	struct files_fixture *fixture = *state;
	upload_for_run(fixture, true, false);
	int64_t one = insert_run(fixture);
	upload_for_run(fixture, false, false);
	int64_t other = insert_run(fixture);
	assert_int_equal(runs_delete(fixture->base->store, one, NULL), 0);
	assert_int_equal(file_store_release(fixture->files, SHA_OF_ABC, NULL), 0);
	assert_int_equal(count_entries(fixture->directory), 1);
	assert_int_equal(runs_delete(fixture->base->store, other, NULL), 0);
	assert_int_equal(file_store_release(fixture->files, SHA_OF_ABC, NULL), 0);
	assert_int_equal(count_entries(fixture->directory), 0);
	struct file_row row;
	assert_int_equal(files_get(fixture->base->store, SHA_OF_ABC, &row, NULL), -ENOENT);
	assert_int_equal(file_store_release(fixture->files, SHA_OF_ABC, NULL), 0);
}

static void an_upload_of_its_own_makes_it_stay(void **state)
{
	struct files_fixture *fixture = *state;
	upload_for_run(fixture, true, false);
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, "abc", 3, NULL, false, &row);
	assert_true(row.is_kept);
	upload_for_run(fixture, false, true);
	assert_int_equal(file_store_release(fixture->files, SHA_OF_ABC, NULL), 0);
	assert_int_equal(count_entries(fixture->directory), 1);
}

static void what_outlived_its_runs_goes_at_the_next_start(void **state)
{
	struct files_fixture *fixture = *state;
	upload_for_run(fixture, true, false);
	int64_t id = insert_run(fixture);
	file_store_destroy(fixture->files);
	open_files(fixture);
	assert_int_equal(count_entries(fixture->directory), 1);
	assert_int_equal(runs_delete(fixture->base->store, id, NULL), 0);
	file_store_destroy(fixture->files);
	open_files(fixture);
	assert_int_equal(count_entries(fixture->directory), 0);
}

/* What a killed emud left: half an upload, whole bytes whose row was never written, and bytes that are not
 * what their name says. */
static void a_new_start_puts_right_what_a_kill_left(void **state)
{
	struct files_fixture *fixture = *state;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		struct file_upload *half = file_upload_create(fixture->files, NULL);
		if (file_upload_append(half, "half of it", 10, NULL) || write(ends[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	char byte;
	assert_int_equal(read(ends[0], &byte, 1), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(ends[1]);
	api_fixture_write(fixture->base, "files/" SHA_OF_ABC, "abc");
	api_fixture_write(fixture->base, "files/" SHA_OF_NOTHING_KNOWN, "something");
	api_fixture_write(fixture->base, "files/notes.txt", "somebody's own");
	assert_int_equal(count_entries(fixture->directory), 4);

	file_store_destroy(fixture->files);
	open_files(fixture);
	assert_int_equal(count_entries(fixture->directory), 2);
	cleanup_file_row struct file_row row = {0};
	assert_int_equal(files_get(fixture->base->store, SHA_OF_ABC, &row, NULL), 0);
	assert_string_equal(row.kind, "raw");
	assert_int_equal(row.size_bytes, 3);
	assert_int_equal(files_get(fixture->base->store, SHA_OF_NOTHING_KNOWN, &row, NULL), -ENOENT);
}

static bool mount_small_disk(const char *directory)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", directory, "tmpfs", 0, "size=64k,mode=700") == 0;
}

static void a_full_disk_is_told_and_nothing_is_left_on_it(void **state)
{
	struct files_fixture *fixture = *state;
	file_store_destroy(TAKE(fixture->files));
	if (!mount_small_disk(fixture->directory))
		skip();
	open_files(fixture);
	static char large[256 * 1024];
	refuse(fixture, large, sizeof(large), "insufficient_storage");
	cleanup_file_row struct file_row row = {0};
	upload_well(fixture->files, "abc", 3, NULL, true, &row);
	file_store_destroy(TAKE(fixture->files));
	assert_int_equal(umount(fixture->directory), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(an_upload_is_kept_private_under_its_digest),
	    TEST(the_header_of_an_elf_file_is_kept),
	    TEST(the_same_bytes_again_are_the_same_file),
	    TEST(a_refused_upload_leaves_nothing_behind),
	    TEST(a_client_that_vanishes_leaves_nothing_behind),
	    TEST(what_is_not_there_cannot_be_opened),
	    TEST(bytes_that_the_disk_lost_are_told_and_healed_by_an_upload),
	    TEST(a_file_in_use_stays),
	    TEST(a_file_that_came_with_runs_goes_with_the_last_of_them),
	    TEST(an_upload_of_its_own_makes_it_stay),
	    TEST(what_outlived_its_runs_goes_at_the_next_start),
	    TEST(a_new_start_puts_right_what_a_kill_left),
	    TEST(a_full_disk_is_told_and_nothing_is_left_on_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
