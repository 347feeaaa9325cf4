#include "support.h"

#include "core/handles/spec.h"
#include "server/shims/start_files.h"

static int set_up(void **state)
{
	*state = fleet_fixture_create();
	return 0;
}

static int tear_down(void **state)
{
	fleet_fixture_destroy(*state);
	return 0;
}

static void write_spec(struct fleet_fixture *fixture, const char *working_directory, struct spec *ret_spec,
		       char **ret_cookie)
{
	cleanup_json json_t *resolved = config_resolve(fleet_config(fixture->fleet), "board", NULL, NULL);
	cleanup_json json_t *args = json_pack("[s]", "-x");
	const struct start_order order = {
	    .id = "b",
	    .start_number = 4,
	    .boot_id = "boot",
	    .resolved = resolved,
	    .args = args,
	    .paused = true,
	    .config = fleet_config(fixture->fleet),
	    .working_directory = working_directory,
	};
	struct error error;
	if (start_files_write_spec(fixture->scratch.dirfd, &order, ret_cookie, &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(spec_read(fixture->scratch.dirfd, ret_spec, &error), 0);
}

static void what_is_written_a_shim_reads(void **state)
{
	cleanup_free char *cookie = NULL;
	struct spec spec;
	write_spec(*state, "/project", &spec, &cookie);
	assert_string_equal(spec.id, "b");
	assert_int_equal(spec.start_number, 4);
	assert_string_equal(spec.cookie, cookie);
	assert_string_equal(spec.target, "board");
	assert_string_equal(spec.emulator, "fake");
	assert_string_equal(spec.args[0], "-x");
	assert_true(spec.paused);
	assert_string_equal(spec.working_directory, "/project");
	assert_int_equal(spec.limits.stop_timeout_ms, 100);
	spec_finish(&spec);
}

static void without_a_working_directory_there_is_none(void **state)
{
	cleanup_free char *cookie = NULL;
	struct spec spec;
	write_spec(*state, NULL, &spec, &cookie);
	assert_null(spec.working_directory);
	spec_finish(&spec);
}

static void every_start_has_a_cookie_of_its_own(void **state)
{
	cleanup_free char *first = NULL, *second = NULL;
	struct spec spec;
	write_spec(*state, NULL, &spec, &first);
	spec_finish(&spec);
	write_spec(*state, NULL, &spec, &second);
	spec_finish(&spec);
	assert_int_equal(strlen(first), 32);
	assert_string_not_equal(first, second);
}

static void what_was_resolved_is_found_again(void **state)
{
	struct fleet_fixture *fixture = *state;
	cleanup_free char *cookie = NULL, *found = NULL;
	struct spec spec;
	assert_null(start_files_read_resolved(fixture->scratch.dirfd, &found));
	write_spec(fixture, NULL, &spec, &cookie);
	cleanup_json json_t *resolved = start_files_read_resolved(fixture->scratch.dirfd, &found);
	assert_string_equal(found, cookie);
	assert_string_equal(json_member_string(resolved, "target", ""), "board");
	assert_true(json_is_object(json_object_get(resolved, "settings")));
	assert_null(json_object_get(resolved, "cookie"));
	spec_finish(&spec);
	scratch_write(&fixture->scratch, "spec.json", "{\"half");
	assert_null(start_files_read_resolved(fixture->scratch.dirfd, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_written_a_shim_reads),
	    TEST(without_a_working_directory_there_is_none),
	    TEST(every_start_has_a_cookie_of_its_own),
	    TEST(what_was_resolved_is_found_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
