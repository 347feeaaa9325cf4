#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/handles/handles.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
	struct scratch scratch;
	struct handles *handles;
};

static int set_up(void **state)
{
	static const char *const gdb[] = {"arm-none-eabi-gdb", "-q", NULL};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	scratch_make(&fixture->scratch);
	fixture->handles = handles_create("qemu", "board", "/abs/pigweed.json", gdb);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	handles_destroy(fixture->handles);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void expect_json(const json_t *found, const char *wanted)
{
	cleanup_json json_t *json = json_parse(wanted, strlen(wanted), NULL);
	cleanup_free char *text = json_to_text(found);
	if (!json_equal(found, json))
		fail_msg("%s\n%s", text, wanted);
}

static void expect_file(const struct fixture *fixture, const char *wanted)
{
	cleanup_free char *text = NULL;
	assert_int_equal(handles_save(fixture->handles, fixture->scratch.dirfd, NULL), 0);
	assert_int_equal(file_read(fixture->scratch.dirfd, "handles.json", 10000, &text, NULL, NULL), 0);
	cleanup_json json_t *found = json_parse(text, strlen(text), NULL);
	expect_json(found, wanted);
}

static void fill(struct fixture *fixture)
{
	handles_add_tcp(fixture->handles, "serial0", "console", 40123);
	handles_add_pty(fixture->handles, "uart1", "console", "/dev/pts/4");
	handles_add_bare(fixture->handles, "qmp", "control", "tcp");
	handles_add_process(fixture->handles, "qemu", 4711);
	handles_add_process(fixture->handles, "helper", 4712);
}

static void an_endpoint_of_somebody_elses_is_told_as_he_tells_it(void **state)
{
	struct fixture *fixture = *state;
	cleanup_json json_t *endpoint =
	    json_pack("{s:s, s:s, s:i, s:s}", "type", "tcp", "host", "::1", "port", 7, "more", "left out");
	handles_add_foreign(fixture->handles, "gdb", "gdb", endpoint);
	expect_json(handles_channels(fixture->handles),
		    "{\"gdb\":{\"kind\":\"gdb\",\"type\":\"tcp\",\"host\":\"::1\",\"port\":7}}");
}

static void the_file_is_pw_emus(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	fill(fixture);
	expect_file(fixture,
		    "{\"emu\":\"qemu\",\"config\":\"/abs/pigweed.json\",\"target\":\"board\","
		    "\"gdb_cmd\":[\"arm-none-eabi-gdb\",\"-q\"],"
		    "\"channels\":{\"serial0\":{\"type\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":40123},"
		    "\"uart1\":{\"type\":\"pty\",\"path\":\"/dev/pts/4\"}},"
		    "\"procs\":{\"qemu\":{\"pid\":4711},\"helper\":{\"pid\":4712}}}");
	assert_int_equal(fstatat(fixture->scratch.dirfd, "handles.json", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	handles_remove(fixture->scratch.dirfd);
	assert_false(scratch_has(&fixture->scratch, "handles.json"));
	handles_remove(fixture->scratch.dirfd);
}

static void the_api_is_told_kinds_and_bare_channels_too(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture);
	expect_json(
	    handles_channels(fixture->handles),
	    "{\"serial0\":{\"type\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":40123,\"kind\":\"console\"},"
	    "\"uart1\":{\"type\":\"pty\",\"path\":\"/dev/pts/4\",\"kind\":\"console\"},"
	    "\"qmp\":{\"type\":\"tcp\",\"kind\":\"control\"}}");
	expect_json(handles_processes(fixture->handles),
		    "{\"qemu\":{\"pid\":4711},\"helper\":{\"pid\":4712}}");
}

static void what_has_ended_has_no_endpoints(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture);
	handles_remove_process(fixture->handles, "helper");
	handles_remove_process(fixture->handles, "never");
	expect_json(handles_processes(fixture->handles), "{\"qemu\":{\"pid\":4711}}");
	handles_make_bare(fixture->handles);
	expect_json(handles_channels(fixture->handles),
		    "{\"serial0\":{\"type\":\"tcp\",\"kind\":\"console\"},"
		    "\"uart1\":{\"type\":\"pty\",\"kind\":\"console\"},"
		    "\"qmp\":{\"type\":\"tcp\",\"kind\":\"control\"}}");
	expect_json(handles_processes(fixture->handles), "{}");
}

static void a_target_without_gdb_has_an_empty_command(void **state)
{
	struct fixture *fixture = *state;
	handles_destroy(fixture->handles);
	fixture->handles = handles_create("qemu", "t", "/c", NULL);
	expect_file(fixture, "{\"emu\":\"qemu\",\"config\":\"/c\",\"target\":\"t\",\"gdb_cmd\":[],"
			     "\"channels\":{},\"procs\":{}}");
	handles_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_file_is_pw_emus),
	    TEST(an_endpoint_of_somebody_elses_is_told_as_he_tells_it),
	    TEST(the_api_is_told_kinds_and_bare_channels_too),
	    TEST(what_has_ended_has_no_endpoints),
	    TEST(a_target_without_gdb_has_an_empty_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
