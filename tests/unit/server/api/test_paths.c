#include "api_fixture.h"

#include "core/base/text.h"
#include "server/api/paths.h"

#include <sys/stat.h>

#define SHA_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* <directory>/root is the file root, <directory>/other a second one, <directory>/outside is neither. */
struct paths_fixture {
	struct api_fixture *base;
	char roots[2][96];
	const char *root_list[3];
	struct file_sources sources;
};

static void make_directory(const struct api_fixture *base, const char *name)
{
	cleanup_free char *path = text_format("%s/%s", base->directory, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_link(const struct api_fixture *base, const char *name, const char *target)
{
	cleanup_free char *path = text_format("%s/%s", base->directory, name);
	assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state)
{
	struct paths_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->base = api_fixture_create();
	const char *const names[] = {"root", "other", "outside", "rootless", "root/sub"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make_directory(fixture->base, names[i]);
	const char *const files[] = {"root/a.elf", "root/sub/b.elf", "other/c.elf", "outside/secret",
				     "rootless/secret"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		api_fixture_write(fixture->base, files[i], "firmware");
	for (size_t i = 0; i < 2; i++) {
		snprintf(fixture->roots[i], sizeof(fixture->roots[i]), "%s/%s", fixture->base->directory,
			 names[i]);
		fixture->root_list[i] = fixture->roots[i];
	}
	fixture->sources.roots = fixture->root_list;
	cleanup_free char *uploads = text_format("%s/files", fixture->base->directory);
	fixture->sources.uploads = file_store_create(uploads, fixture->base->store, 1024, NULL);
	assert_non_null(fixture->sources.uploads);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct paths_fixture *fixture = *state;
	file_store_destroy(fixture->sources.uploads);
	api_fixture_destroy(fixture->base);
	free(fixture);
	return 0;
}

/* {"path": <directory>/<name>} */
static int open_named(struct paths_fixture *fixture, const char *name, struct opened_file *file,
		      struct error *error)
{
	cleanup_free char *path = text_format("%s/%s", fixture->base->directory, name);
	cleanup_json json_t *value = json_pack("{s:s}", "path", path);
	return paths_open_file(&fixture->sources, value, file, error);
}

static void expect_file(struct paths_fixture *fixture, const char *name, const char *real_name)
{
	cleanup_opened_file struct opened_file file = OPENED_FILE_NONE;
	struct error error = {0};
	if (open_named(fixture, name, &file, &error))
		fail_msg("%s: %s", name, error.message);
	cleanup_free char *real = text_format("%s/%s", fixture->base->directory, real_name);
	assert_string_equal(file.path, real);
	assert_string_equal(file.sha256, "");
	assert_int_equal(file.size_bytes, 8);
	char bytes[16] = "";
	assert_int_equal(read(file.fd, bytes, sizeof(bytes)), 8);
	assert_string_equal(bytes, "firmware");
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(file.fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
}

static void refuse(struct paths_fixture *fixture, const char *name, const char *code)
{
	struct opened_file file = OPENED_FILE_NONE;
	struct error error = {0};
	assert_true(open_named(fixture, name, &file, &error) < 0);
	if (!text_equal(error.code, code))
		fail_msg("%s: %s instead of %s: %s", name, error.code, code, error.message);
	assert_int_equal(file.fd, -1);
}

static void files_below_any_root_are_opened(void **state)
{
	expect_file(*state, "root/a.elf", "root/a.elf");
	expect_file(*state, "root/sub/b.elf", "root/sub/b.elf");
	expect_file(*state, "root/sub/../a.elf", "root/a.elf");
	expect_file(*state, "root//./a.elf", "root/a.elf");
	expect_file(*state, "other/c.elf", "other/c.elf");
}

static void what_lies_outside_is_refused_whether_it_exists_or_not(void **state)
{
	const char *const names[] = {
	    "outside/secret",          "outside/nothing",        "rootless/secret", "root/../outside/secret",
	    "root/../outside/nothing", "root/sub/../../emud.db", "emud.db"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		refuse(*state, names[i], "path_not_allowed");
}

static void symlinks_are_followed_inside_the_roots_only(void **state)
{
	struct paths_fixture *fixture = *state;
	cleanup_free char *inside = text_format("%s/root/a.elf", fixture->base->directory);
	cleanup_free char *outside = text_format("%s/outside", fixture->base->directory);
	make_link(fixture->base, "root/relative", "sub/b.elf");
	make_link(fixture->base, "root/absolute", inside);
	make_link(fixture->base, "root/across", "../other/c.elf");
	make_link(fixture->base, "alias", "root");
	expect_file(fixture, "root/relative", "root/sub/b.elf");
	expect_file(fixture, "root/absolute", "root/a.elf");
	expect_file(fixture, "root/across", "other/c.elf");
	expect_file(fixture, "alias/a.elf", "root/a.elf");

	make_link(fixture->base, "root/out", outside);
	make_link(fixture->base, "root/out-relative", "../outside/secret");
	make_link(fixture->base, "root/passwd", "/etc/passwd");
	make_link(fixture->base, "root/proc", "/proc/self/root");
	make_link(fixture->base, "root/out-and-back", "../outside/../root/loop");
	make_link(fixture->base, "root/loop", "loop");
	refuse(fixture, "root/out/secret", "path_not_allowed");
	refuse(fixture, "root/out/nothing", "path_not_allowed");
	refuse(fixture, "root/out-relative", "path_not_allowed");
	refuse(fixture, "root/passwd", "path_not_allowed");
	refuse(fixture, "root/proc/etc/passwd", "path_not_allowed");
	refuse(fixture, "root/out-and-back", "path_not_allowed");
	refuse(fixture, "root/loop", "invalid_file");
}

static void what_is_missing_or_no_file_is_told(void **state)
{
	struct paths_fixture *fixture = *state;
	refuse(fixture, "root/nothing", "file_not_found");
	refuse(fixture, "root/a.elf/b", "file_not_found");
	refuse(fixture, "root", "invalid_file");
	refuse(fixture, "root/sub", "invalid_file");
	cleanup_free char *fifo = text_format("%s/root/fifo", fixture->base->directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	refuse(fixture, "root/fifo", "invalid_file"); /* and at once: nobody writes it */
}

static void without_roots_every_path_is_refused(void **state)
{
	struct paths_fixture *fixture = *state;
	fixture->sources.roots = NULL;
	refuse(fixture, "root/a.elf", "path_not_allowed");
	fixture->root_list[0] = NULL;
	fixture->sources.roots = fixture->root_list;
	refuse(fixture, "root/a.elf", "path_not_allowed");
}

static int open_text(struct paths_fixture *fixture, const char *json, struct opened_file *file,
		     struct error *error)
{
	cleanup_json json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	return paths_open_file(&fixture->sources, value, file, error);
}

static void an_uploaded_file_is_opened_by_its_digest_in_every_form(void **state)
{
	struct paths_fixture *fixture = *state;
	struct file_upload *upload = file_upload_create(fixture->sources.uploads, NULL);
	assert_int_equal(file_upload_append(upload, "abc", 3, NULL), 0);
	cleanup_file_row struct file_row row = {0};
	bool is_new;
	assert_int_equal(file_upload_commit(upload, NULL, &row, &is_new, NULL), 0);
	file_upload_destroy(upload);
	const char *const forms[] = {
	    "{\"sha256\":\"" SHA_OF_ABC "\"}", "\"sha256:" SHA_OF_ABC "\"",
	    "{\"sha256\":\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\"}"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		cleanup_opened_file struct opened_file file = OPENED_FILE_NONE;
		struct error error = {0};
		if (open_text(fixture, forms[i], &file, &error))
			fail_msg("%s: %s", forms[i], error.message);
		assert_string_equal(file.sha256, SHA_OF_ABC);
		assert_int_equal(file.size_bytes, 3);
		cleanup_free char *path = file_store_path(fixture->sources.uploads, SHA_OF_ABC);
		assert_string_equal(file.path, path);
	}
}

static void a_bare_string_is_a_path(void **state)
{
	struct paths_fixture *fixture = *state;
	cleanup_free char *text = text_format("\"%s/root/a.elf\"", fixture->base->directory);
	cleanup_opened_file struct opened_file file = OPENED_FILE_NONE;
	assert_int_equal(open_text(fixture, text, &file, NULL), 0);
	assert_int_equal(file.size_bytes, 8);
}

static void other_values_are_refused_with_what_is_wrong(void **state)
{
	const struct {
		const char *json, *code;
	} wrong[] = {
	    {"{}", "invalid_request"},
	    {"null", "invalid_request"},
	    {"7", "invalid_request"},
	    {"[\"/a\"]", "invalid_request"},
	    {"{\"path\":7}", "invalid_request"},
	    {"{\"path\":\"/a\",\"sha256\":\"b\"}", "invalid_request"},
	    {"{\"path\":\"/a\",\"mode\":1}", "invalid_request"},
	    {"{\"url\":\"http://x\"}", "invalid_request"},
	    {"\"\"", "invalid_value"},
	    {"\"a.elf\"", "invalid_value"},
	    {"{\"path\":\"root/a.elf\"}", "invalid_value"},
	    {"\"sha256:\"", "invalid_value"},
	    {"\"sha256:../../emud.db\"", "invalid_value"},
	    {"{\"sha256\":\"abc\"}", "invalid_value"},
	    {"{\"sha256\":\"" SHA_OF_ABC "\"}", "file_not_found"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct opened_file file = OPENED_FILE_NONE;
		struct error error = {0};
		assert_true(open_text(*state, wrong[i].json, &file, &error) < 0);
		if (!text_equal(error.code, wrong[i].code))
			fail_msg("%s: %s instead of %s", wrong[i].json, error.code, wrong[i].code);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(files_below_any_root_are_opened),
	    TEST(what_lies_outside_is_refused_whether_it_exists_or_not),
	    TEST(symlinks_are_followed_inside_the_roots_only),
	    TEST(what_is_missing_or_no_file_is_told),
	    TEST(without_roots_every_path_is_refused),
	    TEST(an_uploaded_file_is_opened_by_its_digest_in_every_form),
	    TEST(a_bare_string_is_a_path),
	    TEST(other_values_are_refused_with_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
