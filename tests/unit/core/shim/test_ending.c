#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/ending.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

static void expect(const struct scratch *scratch, const struct ending *ending, const char *wanted)
{
	cleanup_json json_t *found = ending_describe(ending, scratch->dirfd, "qemu.log");
	cleanup_json json_t *json = json_parse(wanted, strlen(wanted), NULL);
	cleanup_free char *text = json_to_text(found);
	if (!json_equal(found, json))
		fail_msg("%s\n%s", text, wanted);
}

static void say(const struct scratch *scratch, const char *words)
{
	scratch_write(scratch, "qemu.log", words);
}

static void a_stop_is_ours_whatever_the_status(void **state)
{
	const struct ending stopped = {
	    .stop_asked = true, .went_live = true, .exited = true, .status = {.code = 0}};
	expect(*state, &stopped, "{\"code\":0,\"signal\":null,\"reason\":\"stopped\",\"detail\":null}");
	const struct ending killed = {.stop_asked = true,
				      .killed = true,
				      .went_live = true,
				      .exited = true,
				      .status = {.code = -1, .signal = SIGKILL},
				      .launcher_reason = "crashed"};
	expect(*state, &killed,
	       "{\"code\":null,\"signal\":\"SIGKILL\",\"reason\":\"killed\",\"detail\":null}");
}

static void the_guests_exit_has_its_code(void **state)
{
	const struct ending ending = {.went_live = true, .exited = true, .status = {.code = 3}};
	say(*state, "noise");
	expect(*state, &ending, "{\"code\":3,\"signal\":null,\"reason\":\"guest_exit\",\"detail\":null}");
}

static void what_the_launcher_makes_of_it_counts(void **state)
{
	const struct ending ending = {
	    .went_live = true, .exited = true, .status = {.code = 0}, .launcher_reason = "guest_shutdown"};
	expect(*state, &ending, "{\"code\":0,\"signal\":null,\"reason\":\"guest_shutdown\",\"detail\":null}");
	const struct ending ended = {.went_live = true,
				     .exited = true,
				     .status = {.code = -1, .signal = SIGTERM},
				     .launcher_reason = "terminated"};
	expect(*state, &ended,
	       "{\"code\":null,\"signal\":\"SIGTERM\",\"reason\":\"terminated\",\"detail\":null}");
}

static void a_crash_tells_the_last_words_or_the_signal(void **state)
{
	const struct ending ending = {
	    .went_live = true, .exited = true, .status = {.code = -1, .signal = SIGABRT}};
	expect(*state, &ending,
	       "{\"code\":null,\"signal\":\"SIGABRT\",\"reason\":\"crashed\","
	       "\"detail\":\"ended by SIGABRT without a word\"}");
	say(*state, "assertion failed\n");
	expect(*state, &ending,
	       "{\"code\":null,\"signal\":\"SIGABRT\",\"reason\":\"crashed\","
	       "\"detail\":\"assertion failed\"}");
}

static void a_failed_start_tells_why(void **state)
{
	struct ending ending = {.exited = true, .status = {.code = 1}};
	expect(*state, &ending,
	       "{\"code\":1,\"signal\":null,\"reason\":\"start_failed\","
	       "\"detail\":\"ended with exit code 1 without a word\"}");
	strcpy(ending.start_error, "no answer");
	expect(*state, &ending,
	       "{\"code\":1,\"signal\":null,\"reason\":\"start_failed\",\"detail\":\"no answer\"}");
	say(*state, "qemu: no such machine\n");
	expect(
	    *state, &ending,
	    "{\"code\":1,\"signal\":null,\"reason\":\"start_failed\",\"detail\":\"qemu: no such machine\"}");
	ending.start_was_given_up = true;
	expect(*state, &ending,
	       "{\"code\":1,\"signal\":null,\"reason\":\"start_failed\",\"detail\":\"no answer\"}");
}

static void failures_are_told_from_ends(void **state)
{
	(void) state;
	assert_true(ending_is_failure("start_failed"));
	assert_true(ending_is_failure("crashed"));
	assert_true(ending_is_failure("supervisor_lost"));
	assert_true(ending_is_failure("host_restarted"));
	assert_false(ending_is_failure("stopped"));
	assert_false(ending_is_failure("killed"));
	assert_false(ending_is_failure("terminated"));
	assert_false(ending_is_failure("guest_exit"));
	assert_false(ending_is_failure("guest_shutdown"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_stop_is_ours_whatever_the_status),
	    TEST(the_guests_exit_has_its_code),
	    TEST(what_the_launcher_makes_of_it_counts),
	    TEST(a_crash_tells_the_last_words_or_the_signal),
	    TEST(a_failed_start_tells_why),
	    TEST(failures_are_told_from_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
