#include "support.h"

#include <sys/stat.h>

static void expect_nothing_left(const struct fixture *fixture)
{
	static const char *const names[] = {"handles.json", "control.sock", "fake.pid", "serial0.in"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (scratch_has(&fixture->scratch, names[i]))
			fail_msg("%s was left", names[i]);
	assert_int_equal(process_of(fixture, "fake"), 0);
}

static void expect_failed_start(struct fixture *fixture, const char *detail)
{
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", -1, NULL, detail);
	expect_nothing_left(fixture);
}

/* ---- starts that succeed ---- */

static void a_start_is_told_as_running_when_the_guest_runs(void **state)
{
	struct fixture *fixture = *state;
	instance_of(fixture, NULL);
	expect_story(fixture, "");
	instance_start(fixture->instance);
	expect_story(fixture, "starting");
	expect_calls("create channels prepare start");
	assert_false(instance_is_live(fixture->instance));
	fake_started(NULL);
	expect_story(fixture, "starting running");
	assert_true(instance_is_live(fixture->instance));
	assert_false(instance_is_paused(fixture->instance));
	end_instance(fixture);
}

static void a_running_instance_has_handles_consoles_and_pid_files(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	cleanup_free char *pid = read_text(fixture, "fake.pid");
	assert_int_equal(atoi(pid), process_of(fixture, "fake"));
	assert_int_equal(kill(process_of(fixture, "fake"), 0), 0);
	assert_true(scratch_has(&fixture->scratch, "serial0.out"));
	assert_true(scratch_has(&fixture->scratch, "serial0.in"));
	cleanup_free char *handles = read_text(fixture, "handles.json");
	assert_non_null(strstr(handles, "\"serial0\""));
	assert_non_null(strstr(handles, "\"fake\""));
	end_instance(fixture);
}

static void a_start_that_is_to_be_paused_is_told_as_paused(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'paused':true}");
	expect_story(fixture, "starting paused:user");
	assert_true(instance_is_paused(fixture->instance));
	end_instance(fixture);
}

static void the_launcher_is_handed_what_was_asked_for(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'args':['-a','b'],'paused':true,'debug':true,'settings':{'machine':'m'}}");
	assert_string_equal(fake.launch->target, "toy");
	assert_string_equal(fake.launch->args[0], "-a");
	assert_string_equal(fake.launch->args[1], "b");
	assert_null(fake.launch->args[2]);
	assert_true(fake.launch->paused);
	assert_true(fake.launch->debug);
	assert_int_equal(fake.launch->firmware_fd, -1);
	assert_int_equal(fake.launch->state_dirfd, fixture->scratch.dirfd);
	assert_string_equal(fake.launch->state_dir, fixture->scratch.path);
	assert_string_equal(json_member_string(fake.launch->settings, "machine", ""), "m");
	end_instance(fixture);
}

static void the_emulator_runs_in_the_state_directory_with_its_environment(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {
	    "sh", "-c", "pwd; echo $EMUD_COOKIE $MORE; echo loud >&2; exec sleep 1000", NULL};
	static const char *const environment[] = {"MORE=milk", NULL};
	fake.argv = argv;
	fake.environment = environment;
	run_instance(fixture, NULL);
	wait_for_file(fixture, "fake.log", "loud");
	cleanup_free char *wanted = text_format("%s\nbiscuit milk\nloud\n", fixture->scratch.path);
	cleanup_free char *log = read_text(fixture, "fake.log");
	assert_string_equal(log, wanted);
	end_instance(fixture);
}

static void processes_run_in_the_working_directory_where_there_is_one(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {"sh", "-c", "pwd; exec sleep 1000", NULL};
	fake.argv = argv;
	run_instance(fixture, "{'working_directory':'/usr'}");
	wait_for_file(fixture, "fake.log", "/usr\n");
	end_instance(fixture);
}

static void what_the_start_before_has_printed_is_kept(void **state)
{
	struct fixture *fixture = *state;
	scratch_write(&fixture->scratch, "serial0.out", "earlier");
	scratch_write(&fixture->scratch, "exit.json", "{}");
	run_instance(fixture, "{'start_number':5}");
	cleanup_free char *kept = read_text(fixture, "starts/4/serial0.out");
	assert_string_equal(kept, "earlier");
	assert_false(scratch_has(&fixture->scratch, "exit.json"));
	end_instance(fixture);
}

/* ---- plans ---- */

static void channels_are_made_when_the_plan_is_there(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	start_instance(fixture, NULL);
	expect_calls("create plan");
	assert_null(instance_channels(fixture->instance));
	fake_planned(NULL);
	expect_calls("channels prepare start");
	fake_started(NULL);
	expect_story(fixture, "starting running");
	end_instance(fixture);
}

static void a_plan_may_be_made_at_once(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = fake.plans_at_once = true;
	start_instance(fixture, NULL);
	expect_calls("create plan channels prepare start");
	fake_started(NULL);
	end_instance(fixture);
}

static void a_plan_that_fails_at_once_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = fake.plans_at_once = true;
	fake.fails_at = "plan";
	start_instance(fixture, NULL);
	expect_failed_start(fixture, "the fake fails at plan");
	expect_calls("create plan destroy");
}

static void a_plan_that_fails_later_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	start_instance(fixture, NULL);
	fake_planned("no such board");
	expect_failed_start(fixture, "no such board");
	expect_calls("create plan destroy");
}

static void a_plan_has_the_processes_that_it_starts(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	fake.own_process[0] = "sleep";
	fake.own_process[1] = "1000";
	start_instance(fixture, NULL);
	pid_t own = process_of(fixture, "own");
	assert_true(own > 0);
	fake_planned(NULL);
	fake_started(NULL);
	assert_int_equal(process_of(fixture, "own"), own);
	assert_true(process_of(fixture, "fake") > 0);
	end_instance(fixture);
	assert_int_equal(kill(own, 0), -1);
}

static void a_process_that_dies_while_it_is_planned_is_told_to_the_launcher(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	fake.own_process[0] = "sh";
	fake.own_process[1] = "-c";
	fake.own_process[2] = "exit 4";
	start_instance(fixture, NULL);
	wait_for_story(fixture, "starting starting");
	expect_calls("create plan ended:own:4");
	fake_planned("the driver has died");
	wait_for_end(fixture);
	expect_exit(fixture, "start_failed", -1, NULL, "the driver has died");
}

static void a_process_of_the_plan_that_cannot_be_run_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	fake.own_process[0] = "/nowhere/driver";
	start_instance(fixture, NULL);
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	cleanup_json json_t *status = instance_status(fixture->instance);
	const char *detail = json_member_string(json_object_get(status, "exit"), "detail", "");
	assert_non_null(strstr(detail, "/nowhere/driver"));
}

static void a_plan_that_comes_after_the_stop_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	start_instance(fixture, NULL);
	instance_stop(fixture->instance);
	fake_planned(NULL);
	wait_for_end(fixture);
	expect_calls("create plan destroy");
	expect_story(fixture, "starting stopping exited ended");
	expect_exit(fixture, "stopped", -1, NULL, NULL);
}

/* ---- starts that fail ---- */

static void a_launcher_that_refuses_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.fails_at = "create";
	start_instance(fixture, NULL);
	expect_failed_start(fixture, "the fake fails at create");
	expect_calls("create");
}

static void a_command_line_that_cannot_be_made_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.fails_at = "prepare";
	start_instance(fixture, NULL);
	expect_failed_start(fixture, "the fake fails at prepare");
	expect_calls("create channels prepare destroy");
}

static void an_emulator_that_cannot_be_executed_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {"/nowhere/emulator", NULL};
	fake.argv = argv;
	start_instance(fixture, NULL);
	expect_failed_start(fixture, "fake: cannot execute \"/nowhere/emulator\": No such file or directory");
	expect_calls("create channels prepare destroy");
}

static void an_emulator_that_ends_before_it_answers_is_told_in_its_own_words(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {"sh", "-c", "echo 'no such machine' >&2; exit 1", NULL};
	fake.argv = argv;
	start_instance(fixture, NULL);
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", 1, NULL, "no such machine");
	expect_calls("create channels prepare start ended:fake:1 destroy");
	expect_nothing_left(fixture);
}

static void an_emulator_that_refuses_to_start_is_told_in_its_own_words(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, NULL);
	pid_t pid = process_of(fixture, "fake");
	fake_started("the machine has no memory");
	expect_story(fixture, "starting");
	kill(pid, SIGKILL);
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", -1, "SIGKILL", "the machine has no memory");
}

static void an_emulator_that_refuses_to_start_and_stays_is_ended(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, NULL);
	fake_started("the machine has no memory");
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", -1, "SIGTERM", "the machine has no memory");
}

static void a_launcher_that_gives_up_ends_the_emulator_at_once(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, NULL);
	fake_refused("no such device");
	expect_story(fixture, "starting stopping");
	wait_for_end(fixture);
	expect_exit(fixture, "start_failed", -1, "SIGTERM", "no such device");
	expect_nothing_left(fixture);
}

static void an_emulator_that_does_not_start_in_time_is_ended(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, "{'limits':{'start_timeout':0.05}}");
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", -1, "SIGTERM", "the emulator did not start within 50 ms");
}

static void a_plan_that_is_not_made_in_time_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	start_instance(fixture, "{'limits':{'start_timeout':0.05}}");
	expect_failed_start(fixture, "the emulator did not start within 50 ms");
}

static void a_start_in_time_is_not_ended_by_the_deadline(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'limits':{'start_timeout':0.02}}");
	assert_false(wait_ms(fixture, has_ended, fixture, 60));
	expect_story(fixture, "starting running");
	end_instance(fixture);
}

static void a_channel_that_cannot_be_made_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "serial0.in", 0700), 0);
	start_instance(fixture, NULL);
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_calls("create channels destroy");
	cleanup_json json_t *status = instance_status(fixture->instance);
	const char *detail = json_member_string(json_object_get(status, "exit"), "detail", "");
	assert_true(text_starts_with(detail, "channel serial0: "));
}

static void an_emulator_that_was_executed_early_does_not_outlive_channels_that_cannot_be_made(void **state)
{
	struct fixture *fixture = *state;
	fake.waits_for_start = true;
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "serial0.in", 0700), 0);
	start_instance(fixture, NULL);
	pid_t pid = process_of(fixture, "fake");
	assert_true(pid > 0);
	wait_for_end(fixture);
	expect_calls("create prepare channels ended:fake:15 destroy");
	cleanup_json json_t *record = exit_record_read(fixture->scratch.dirfd, 1);
	const json_t *told = json_object_get(record, "exit");
	assert_string_equal(json_member_string(told, "reason", ""), "start_failed");
	assert_true(text_starts_with(json_member_string(told, "detail", ""), "channel serial0: "));
	assert_int_equal(kill(pid, 0), -1);
}

static void an_emulator_that_is_not_of_this_build_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	struct instance_events none = {0};
	cleanup_json json_t *json = quoted("{'format':1,'id':'a','start_number':1,'cookie':'c','target':'t',"
					   "'emulator':'other','settings':{}}");
	cleanup_free char *text = json_to_text(json);
	scratch_write(&fixture->scratch, "spec.json", text);
	assert_int_equal(spec_read(fixture->scratch.dirfd, &fixture->spec, NULL), 0);
	assert_null(instance_create(fixture->loop, fixture->log, &fixture->spec, fixture->scratch.dirfd, -1,
				    &none, NULL, &error));
	assert_string_equal(error.code, "emulator_unavailable");
}

/* ---- helpers ---- */

static void an_emulator_that_waits_is_executed_before_the_channels_are_made(void **state)
{
	struct fixture *fixture = *state;
	fake.waits_for_start = true;
	start_instance(fixture, NULL);
	expect_calls("create prepare channels start");
	fake_started(NULL);
	end_instance(fixture);
}

static void helpers_before_the_start_come_before_the_emulator(void **state)
{
	struct fixture *fixture = *state;
	fake.waits_for_start = true;
	start_instance(fixture, "{'pre_start':[{'name':'first','command':['sleep','1000']}]}");
	expect_calls("create channels prepare start");
	pid_t helper = process_of(fixture, "first");
	assert_true(helper > 0);
	fake_started(NULL);
	end_instance(fixture);
	assert_int_equal(kill(helper, 0), -1);
}

static void without_its_helper_the_emulator_is_not_executed(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, "{'pre_start':[{'name':'first','command':['/nowhere/helper']}]}");
	expect_failed_start(fixture,
			    "helper: first: cannot execute \"/nowhere/helper\": No such file or directory");
	expect_calls("create channels destroy");
}

static void helpers_after_the_start_are_started_when_the_guest_runs(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, "{'post_start':[{'name':'after','command':['sleep','1000']}]}");
	assert_int_equal(process_of(fixture, "after"), 0);
	fake_started(NULL);
	expect_story(fixture, "starting running");
	assert_true(process_of(fixture, "after") > 0);
	cleanup_free char *handles = read_text(fixture, "handles.json");
	assert_non_null(strstr(handles, "\"after\""));
	end_instance(fixture);
}

static void a_helper_after_the_start_that_cannot_be_run_fails_the_start(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {"sh", "-c", "echo chatter >&2; exec sleep 1000", NULL};
	fake.argv = argv;
	start_instance(fixture, "{'post_start':[{'name':'after','command':['/nowhere/helper']}]}");
	wait_for_file(fixture, "fake.log", "chatter");
	fake_started(NULL);
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping failed ended");
	expect_exit(fixture, "start_failed", -1, "SIGTERM",
		    "helper: after: cannot execute \"/nowhere/helper\": No such file or directory");
	expect_nothing_left(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_start_is_told_as_running_when_the_guest_runs),
	    TEST(a_running_instance_has_handles_consoles_and_pid_files),
	    TEST(a_start_that_is_to_be_paused_is_told_as_paused),
	    TEST(the_launcher_is_handed_what_was_asked_for),
	    TEST(the_emulator_runs_in_the_state_directory_with_its_environment),
	    TEST(processes_run_in_the_working_directory_where_there_is_one),
	    TEST(what_the_start_before_has_printed_is_kept),
	    TEST(channels_are_made_when_the_plan_is_there),
	    TEST(a_plan_may_be_made_at_once),
	    TEST(a_plan_that_fails_at_once_fails_the_start),
	    TEST(a_plan_that_fails_later_fails_the_start),
	    TEST(a_plan_has_the_processes_that_it_starts),
	    TEST(a_process_that_dies_while_it_is_planned_is_told_to_the_launcher),
	    TEST(a_process_of_the_plan_that_cannot_be_run_fails_the_start),
	    TEST(a_plan_that_comes_after_the_stop_changes_nothing),
	    TEST(a_launcher_that_refuses_fails_the_start),
	    TEST(a_command_line_that_cannot_be_made_fails_the_start),
	    TEST(an_emulator_that_cannot_be_executed_fails_the_start),
	    TEST(an_emulator_that_ends_before_it_answers_is_told_in_its_own_words),
	    TEST(an_emulator_that_refuses_to_start_is_told_in_its_own_words),
	    TEST(an_emulator_that_refuses_to_start_and_stays_is_ended),
	    TEST(a_launcher_that_gives_up_ends_the_emulator_at_once),
	    TEST(an_emulator_that_does_not_start_in_time_is_ended),
	    TEST(a_plan_that_is_not_made_in_time_fails_the_start),
	    TEST(a_start_in_time_is_not_ended_by_the_deadline),
	    TEST(a_channel_that_cannot_be_made_fails_the_start),
	    TEST(an_emulator_that_was_executed_early_does_not_outlive_channels_that_cannot_be_made),
	    TEST(an_emulator_that_is_not_of_this_build_is_refused),
	    TEST(an_emulator_that_waits_is_executed_before_the_channels_are_made),
	    TEST(helpers_before_the_start_come_before_the_emulator),
	    TEST(without_its_helper_the_emulator_is_not_executed),
	    TEST(helpers_after_the_start_are_started_when_the_guest_runs),
	    TEST(a_helper_after_the_start_that_cannot_be_run_fails_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
