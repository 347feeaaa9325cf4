#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/handles/spec.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <string.h>

static int read_spec(const struct scratch *scratch, const char *text, struct spec *spec, struct error *error)
{
	scratch_write(scratch, "spec.json", text);
	return spec_read(scratch->dirfd, spec, error);
}

static void a_whole_spec_is_read(void **state)
{
	struct spec spec;
	assert_int_equal(
	    read_spec(*state,
		      "{\"format\":1,\"id\":\"b\",\"start_number\":7,\"cookie\":\"c\",\"target\":\"t\","
		      "\"emulator\":\"qemu\",\"paused\":true,\"semihosting\":true,\"args\":[\"-x\",\"y\"],"
		      "\"gdb\":[\"gdb\"],"
		      "\"settings\":{\"machine\":\"m\"},\"working_directory\":\"/w\",\"read_paths\":[\"/r\"],"
		      "\"write_paths\":[],\"limits\":{\"console_bytes\":5,\"kept_starts\":-1,"
		      "\"stop_timeout\":0.25,\"start_timeout\":2},\"of_tomorrow\":{}}",
		      &spec, NULL),
	    0);
	assert_string_equal(spec.id, "b");
	assert_int_equal(spec.start_number, 7);
	assert_string_equal(spec.args[1], "y");
	assert_null(spec.args[2]);
	assert_true(spec.paused);
	assert_false(spec.debug);
	assert_true(spec.semihosting);
	assert_string_equal(spec.working_directory, "/w");
	assert_int_equal(spec.limits.console_bytes, 5);
	assert_int_equal(spec.limits.kept_starts, 0);
	assert_int_equal(spec.limits.stop_timeout_ms, 250);
	assert_int_equal(spec.limits.start_timeout_ms, 2000);
	spec_finish(&spec);
}

#define NEEDED "\"id\":\"b\",\"cookie\":\"c\",\"target\":\"t\",\"emulator\":\"q\",\"settings\":{}"

static void what_is_missing_has_its_default(void **state)
{
	struct spec spec;
	assert_int_equal(read_spec(*state, "{\"format\":1," NEEDED "}", &spec, NULL), 0);
	assert_null(spec.args[0]);
	assert_false(spec.semihosting);
	assert_null(spec.gdb[0]);
	assert_null(spec.pre_start);
	assert_null(spec.working_directory);
	assert_int_equal(spec.limits.stop_timeout_ms, 5000);
	assert_int_equal(spec.limits.start_timeout_ms, 30000);
	spec_finish(&spec);
	assert_int_equal(read_spec(*state,
				   "{\"format\":1," NEEDED
				   ",\"limits\":{\"stop_timeout\":-5,\"start_timeout\":1e300}}",
				   &spec, NULL),
			 0);
	assert_int_equal(spec.limits.stop_timeout_ms, 0);
	assert_true(spec.limits.start_timeout_ms > 1000000);
	spec_finish(&spec);
}

static void what_cannot_be_read_is_refused(void **state)
{
	struct spec spec = {.start_number = 77};
	struct error error;
	assert_int_equal(spec_read(((struct scratch *) *state)->dirfd, &spec, &error), -ENOENT);
	assert_int_equal(read_spec(*state, "{\"format\":2," NEEDED "}", &spec, &error), -EPROTONOSUPPORT);
	assert_int_equal(read_spec(*state, "{" NEEDED "}", &spec, &error), -EPROTONOSUPPORT);
	assert_int_equal(read_spec(*state, "{\"format\":1}", &spec, &error), -EINVAL);
	assert_int_equal(read_spec(*state, "[1]", &spec, &error), -EPROTONOSUPPORT);
	assert_int_equal(read_spec(*state, "{\"format\":", &spec, &error), -EINVAL);
	assert_non_null(strstr(error.message, "spec.json"));
	assert_int_equal(spec.start_number, 77);
}

static void an_exit_record_is_of_its_start(void **state)
{
	struct scratch *scratch = *state;
	assert_null(exit_record_read(scratch->dirfd, 3));
	cleanup_json json_t *status =
	    json_pack("{s:i, s:s, s:{s:s}, s:{}, s:s}", "start_number", 3, "state", "exited", "exit",
		      "reason", "stopped", "processes", "ended_at", "2020-02-02T02:02:02.020Z");
	assert_int_equal(exit_record_write(scratch->dirfd, status, NULL), 0);
	cleanup_json json_t *record = exit_record_read(scratch->dirfd, 3);
	assert_non_null(record);
	assert_int_equal(json_member_integer(record, "format", 0), 1);
	assert_string_equal(json_member_string(record, "state", ""), "exited");
	assert_string_equal(json_member_string(json_object_get(record, "exit"), "reason", ""), "stopped");
	assert_null(json_object_get(record, "processes"));
	assert_null(exit_record_read(scratch->dirfd, 2));
	assert_int_equal(file_write_atomic(scratch->dirfd, "exit.json", "{\"sta", 5, 0600, NULL), 0);
	assert_null(exit_record_read(scratch->dirfd, 3));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_whole_spec_is_read),
	    TEST(what_is_missing_has_its_default),
	    TEST(what_cannot_be_read_is_refused),
	    TEST(an_exit_record_is_of_its_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
