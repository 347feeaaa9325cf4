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

static void write_spec(struct fleet_fixture *fixture, const char *working_directory, struct spec *ret_spec)
{
	cleanup_json json_t *resolved = config_resolve(fleet_config(fixture->fleet), "board", NULL, NULL);
	cleanup_json json_t *args = json_pack("[s]", "-x");
	const struct start_order order = {
	    .id = "b",
	    .start_number = 4,
	    .boot_id = "boot",
	    .cookie = "c0ffee",
	    .resolved = resolved,
	    .args = args,
	    .paused = true,
	    .semihosting = true,
	    .config = fleet_config(fixture->fleet),
	    .working_directory = working_directory,
	};
	struct error error;
	if (start_files_write_spec(fixture->scratch.dirfd, &order, &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(spec_read(fixture->scratch.dirfd, ret_spec, &error), 0);
}

static void what_is_written_a_shim_reads(void **state)
{
	struct spec spec;
	write_spec(*state, "/project", &spec);
	assert_string_equal(spec.id, "b");
	assert_int_equal(spec.start_number, 4);
	assert_string_equal(spec.cookie, "c0ffee");
	assert_string_equal(spec.target, "board");
	assert_string_equal(spec.emulator, "fake");
	assert_string_equal(spec.args[0], "-x");
	assert_true(spec.paused);
	assert_true(spec.semihosting);
	assert_string_equal(spec.working_directory, "/project");
	assert_int_equal(spec.limits.stop_timeout_ms, 100);
	spec_finish(&spec);
}

static void without_a_working_directory_there_is_none(void **state)
{
	struct spec spec;
	write_spec(*state, NULL, &spec);
	assert_null(spec.working_directory);
	spec_finish(&spec);
}

static void what_was_resolved_is_found_again(void **state)
{
	struct fleet_fixture *fixture = *state;
	cleanup_free char *found = NULL;
	struct spec spec;
	assert_null(start_files_read_resolved(fixture->scratch.dirfd, &found));
	write_spec(fixture, NULL, &spec);
	cleanup_json json_t *resolved = start_files_read_resolved(fixture->scratch.dirfd, &found);
	assert_string_equal(found, "c0ffee");
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
	    TEST(what_was_resolved_is_found_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
