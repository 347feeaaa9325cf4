#include "support.h"

#include "core/shim/channels.h"

#include <sys/stat.h>

static const char *const exits_with_three[] = {"sh", "-c", "exit 3", NULL};
static const char *const stubborn[] = {"sh", "-c", "trap '' TERM; echo ready; exec sleep 1000", NULL};

/* A helper that needs more than a second to end, and says when it has. */
#define SLOW_HELPER \
	"{'name':'slow','command':['sh','-c','trap \\'sleep 1.3; echo clean; exit\\' TERM; echo ready; " \
	"while :; do sleep 1000 & wait; done']}"

/* ---- pausing and going on ---- */

static void what_the_emulator_tells_is_told(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	fake_paused();
	assert_true(instance_is_paused(fixture->instance));
	fake_running();
	assert_false(instance_is_paused(fixture->instance));
	expect_story(fixture, "starting running paused:user running");
	end_instance(fixture);
}

static void what_is_so_already_is_not_told_again(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	fake_running();
	fake_paused();
	fake_paused();
	expect_story(fixture, "starting running paused:user");
	instance_stop(fixture->instance);
	fake_running();
	fake_paused();
	wait_for_end(fixture);
	expect_story(fixture, "starting running paused:user stopping exited ended");
}

static void a_helper_that_ends_is_told_and_the_board_goes_on(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, "{'pre_start':[{'name':'first','command':['sleep','1000']}]}");
	fake_started(NULL);
	kill(process_of(fixture, "first"), SIGKILL);
	wait_for_story(fixture, "running running");
	expect_calls("create channels prepare start ended:first:9");
	assert_int_equal(process_of(fixture, "first"), 0);
	assert_false(scratch_has(&fixture->scratch, "first.pid"));
	assert_true(instance_is_live(fixture->instance));
	end_instance(fixture);
}

/* ---- stops ---- */

static void a_running_instance_is_stopped(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	instance_stop(fixture->instance);
	expect_story(fixture, "starting running stopping");
	assert_false(scratch_has(&fixture->scratch, "exit.json"));
	wait_for_end(fixture);
	expect_story(fixture, "starting running stopping exited ended");
	expect_exit(fixture, "stopped", -1, "SIGTERM", NULL);
	expect_calls("ended:fake:15 destroy");
}

static void a_paused_instance_is_stopped(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'paused':true}");
	end_instance(fixture);
	expect_story(fixture, "starting paused:user stopping exited ended");
	expect_exit(fixture, "stopped", -1, "SIGTERM", NULL);
}

static void a_starting_instance_is_stopped(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, NULL);
	instance_stop(fixture->instance);
	fake_started(NULL);
	expect_story(fixture, "starting stopping");
	wait_for_end(fixture);
	expect_story(fixture, "starting stopping exited ended");
	expect_exit(fixture, "stopped", -1, "SIGTERM", NULL);
}

static void a_stop_while_the_plan_is_made_ends_its_processes(void **state)
{
	struct fixture *fixture = *state;
	fake.has_plan = true;
	fake.own_process[0] = "sleep";
	fake.own_process[1] = "1000";
	start_instance(fixture, NULL);
	end_instance(fixture);
	expect_calls("create plan ended:own:15 destroy");
	expect_exit(fixture, "stopped", -1, NULL, NULL);
}

static void two_stops_are_one(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	instance_stop(fixture->instance);
	instance_stop(fixture->instance);
	wait_for_end(fixture);
	instance_stop(fixture->instance);
	expect_story(fixture, "starting running stopping exited ended");
}

static void a_stop_asks_the_emulator_by_its_own_means_too(void **state)
{
	struct fixture *fixture = *state;
	fake.has_quit = true;
	run_instance(fixture, "{'limits':{'stop_timeout':3}}");
	instance_stop(fixture->instance);
	expect_calls("quit:3000");
	wait_for_end(fixture);
}

static void an_emulator_that_is_no_longer_reached_is_not_asked(void **state)
{
	struct fixture *fixture = *state;
	fake.has_quit = true;
	run_instance(fixture, NULL);
	fake_lost();
	instance_stop(fixture->instance);
	wait_for_end(fixture);
	expect_calls("ended:fake:15 destroy");
}

static void an_emulator_that_does_not_end_is_killed(void **state)
{
	struct fixture *fixture = *state;
	fake.argv = stubborn;
	run_instance(fixture, "{'limits':{'stop_timeout':0.05}}");
	wait_for_file(fixture, "fake.log", "ready");
	end_instance(fixture);
	expect_exit(fixture, "killed", -1, "SIGKILL", NULL);
}

static void an_emulator_that_does_not_end_is_given_its_time(void **state)
{
	struct fixture *fixture = *state;
	fake.argv = stubborn;
	run_instance(fixture, NULL);
	wait_for_file(fixture, "fake.log", "ready");
	instance_stop(fixture->instance);
	assert_false(wait_ms(fixture, has_ended, fixture, 1500));
	kill(process_of(fixture, "fake"), SIGKILL);
	wait_for_end(fixture);
	expect_exit(fixture, "stopped", -1, "SIGKILL", NULL);
}

static void a_helper_is_given_the_whole_time_too(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, "{'pre_start':[" SLOW_HELPER "]}");
	fake_started(NULL);
	wait_for_file(fixture, "slow.log", "ready");
	end_instance(fixture);
	cleanup_free char *log = read_text(fixture, "slow.log");
	assert_string_equal(log, "ready\nclean\n");
}

static void what_daemonized_away_is_ended(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = {
	    "sh", "-c", "setsid sh -c 'echo $$ >daemon; exec sleep 1000' & sleep 1000", NULL};
	fake.argv = argv;
	run_instance(fixture, NULL);
	wait_for_file(fixture, "daemon", "\n");
	cleanup_free char *text = read_text(fixture, "daemon");
	assert_int_equal(kill(atoi(text), 0), 0);
	end_instance(fixture);
	assert_int_equal(kill(atoi(text), 0), -1);
}

/* ---- ends of the emulator's own ---- */

static void the_guests_exit_code_is_told(void **state)
{
	struct fixture *fixture = *state;
	fake.argv = exits_with_three;
	run_instance(fixture, NULL);
	assert_true(wait_ms(fixture, has_ended, fixture, 900));
	expect_story(fixture, "starting running stopping exited ended");
	expect_exit(fixture, "guest_exit", 3, NULL, NULL);
}

static void an_emulator_that_ends_while_it_is_paused_is_told(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'paused':true}");
	kill(process_of(fixture, "fake"), SIGABRT);
	wait_for_end(fixture);
	expect_story(fixture, "starting paused:user stopping failed ended");
	expect_exit(fixture, "crashed", -1, "SIGABRT", "ended by SIGABRT without a word");
}

static void an_emulator_that_ends_by_itself_takes_its_helpers_along(void **state)
{
	struct fixture *fixture = *state;
	fake.argv = exits_with_three;
	start_instance(fixture, "{'pre_start':[{'name':'first','command':['sleep','1000']}]}");
	fake_started(NULL);
	wait_for_end(fixture);
	expect_exit(fixture, "guest_exit", 3, NULL, NULL);
	expect_calls("create channels prepare start ended:fake:3 ended:first:15 destroy");
}

static void a_helper_that_must_be_killed_does_not_make_the_end_a_kill(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture,
		       "{'limits':{'stop_timeout':1},'pre_start':[{'name':'first','command':['sh','-c',"
		       "'trap \\'\\' TERM; echo ready; exec sleep 1000']}]}");
	fake_started(NULL);
	wait_for_file(fixture, "first.log", "ready");
	end_instance(fixture);
	expect_exit(fixture, "stopped", -1, "SIGTERM", NULL);
	expect_calls("create channels prepare start ended:fake:15 ended:first:9 destroy");
}

static void what_the_launcher_makes_of_the_end_counts(void **state)
{
	struct fixture *fixture = *state;
	fake.has_end_reason = true;
	fake.end_reason = "guest_shutdown";
	run_instance(fixture, NULL);
	kill(process_of(fixture, "fake"), SIGTERM);
	wait_for_end(fixture);
	expect_exit(fixture, "guest_shutdown", -1, "SIGTERM", NULL);
}

static void a_connection_that_ends_is_followed_by_the_emulators_end_at_once(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	fake_lost();
	expect_story(fixture, "starting running");
	kill(process_of(fixture, "fake"), SIGKILL);
	assert_true(wait_ms(fixture, has_ended, fixture, 900));
	expect_exit(fixture, "crashed", -1, "SIGKILL", "ended by SIGKILL without a word");
}

static void an_emulator_that_lives_on_without_its_connection_is_ended(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	fake_lost();
	wait_for_end(fixture);
	expect_story(fixture, "starting running stopping failed ended");
	expect_exit(fixture, "crashed", -1, "SIGTERM", "ended by SIGTERM without a word");
}

/* What has inherited it holds it open. */
static void a_connection_that_outlives_the_emulator_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fake.keeps_connection = true;
	fake.argv = exits_with_three;
	run_instance(fixture, NULL);
	wait_for_end(fixture);
	expect_exit(fixture, "guest_exit", 3, NULL, NULL);
}

static void a_connection_that_outlives_a_stopped_emulator_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	fake.keeps_connection = true;
	run_instance(fixture, "{'limits':{'stop_timeout':1}}");
	end_instance(fixture);
	expect_exit(fixture, "stopped", -1, "SIGTERM", NULL);
}

static bool emulator_has_ended(void *data)
{
	(void) data;
	return strstr(fake.calls, "ended:fake") != NULL;
}

static void an_end_waits_for_what_the_emulator_said_last(void **state)
{
	struct fixture *fixture = *state;
	fake.keeps_connection = true;
	run_instance(fixture, NULL);
	instance_stop(fixture->instance);
	wait_until(fixture, emulator_has_ended, NULL);
	assert_false(wait_ms(fixture, has_ended, fixture, 50));
	fake_lost();
	wait_for_end(fixture);
	expect_calls("ended:fake:15 destroy");
}

static void a_start_whose_connection_outlives_it_tells_the_exit(void **state)
{
	struct fixture *fixture = *state;
	fake.keeps_connection = true;
	fake.argv = exits_with_three;
	start_instance(fixture, NULL);
	wait_for_end(fixture);
	expect_exit(fixture, "start_failed", 3, NULL, "ended with exit code 3 without a word");
}

/* ---- what an end leaves ---- */

static bool log_has(const struct fixture *fixture, const char *words)
{
	char log[4096] = "";
	return pread(fixture->log_fd, log, sizeof(log) - 1, 0) > 0 && strstr(log, words);
}

struct last_look {
	struct fixture *fixture;
	bool exit_was_there_early, exit_is_there, socket_is_there, handles_are_there;
};

static void look_at_files(void *data)
{
	struct last_look *look = data;
	const struct scratch *scratch = &look->fixture->scratch;
	const char *story = look->fixture->story;
	if (strstr(story, "exited")) {
		look->exit_is_there = scratch_has(scratch, "exit.json");
		look->socket_is_there = scratch_has(scratch, "control.sock");
		look->handles_are_there = scratch_has(scratch, "handles.json");
	} else if (scratch_has(scratch, "exit.json")) {
		look->exit_was_there_early = true;
	}
}

static void the_end_is_recorded_before_it_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct last_look look = {.fixture = fixture};
	fixture->on_change = look_at_files;
	fixture->data = &look;
	scratch_write(&fixture->scratch, "control.sock", "");
	run_instance(fixture, NULL);
	assert_true(scratch_has(&fixture->scratch, "control.sock"));
	end_instance(fixture);
	assert_false(look.exit_was_there_early);
	assert_true(look.exit_is_there);
	assert_false(look.socket_is_there);
	assert_false(look.handles_are_there);
}

static void output_and_logs_stay_when_all_else_goes(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	end_instance(fixture);
	static const char *const kept[] = {"serial0.out", "fake.log", "exit.json", "spec.json"};
	static const char *const gone[] = {"serial0.in", "fake.pid", "handles.json"};
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(scratch_has(&fixture->scratch, kept[i]));
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_false(scratch_has(&fixture->scratch, gone[i]));
	assert_null(instance_channels(fixture->instance));
}

static void note_closing(void *data)
{
	struct fixture *fixture = data;
	assert_non_null(instance_channels(fixture->instance));
	strcat(fixture->story, " closing");
}

static void who_uses_the_channels_lets_go_before_they_are_closed(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	instance_on_closing(fixture->instance, note_closing, fixture);
	end_instance(fixture);
	expect_story(fixture, "starting running stopping closing exited ended");
}

static void an_end_that_cannot_be_recorded_is_logged_and_told(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "exit.json", 0700), 0);
	end_instance(fixture);
	expect_story(fixture, "starting running stopping exited ended");
	assert_true(log_has(fixture, "exit.unrecorded"));
}

static void an_instance_that_is_destroyed_leaves_nothing_running(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	pid_t pid = process_of(fixture, "fake");
	instance_destroy(TAKE(fixture->instance));
	expect_calls("destroy");
	assert_int_equal(kill(pid, 0), -1);
}

/* ---- a full disk ---- */

#define FULL_DISK "{'limits':{'free_bytes':524288}}"

static void a_full_disk_pauses_the_board_until_there_is_room(void **state)
{
	struct fixture *fixture = *state;
	use_small_disk(fixture);
	run_instance(fixture, FULL_DISK);
	fill_disk(fixture);
	wait_for_story(fixture, "paused:disk_full");
	expect_calls("pause:10000");
	assert_true(instance_is_disk_full(fixture->instance));
	free_disk(fixture);
	wait_for_story(fixture, "running");
	expect_calls("resume:10000");
	expect_story(fixture, "starting running paused:disk_full running");
	end_instance(fixture);
	leave_small_disk(fixture);
}

static void a_start_on_a_full_disk_is_paused_at_once(void **state)
{
	struct fixture *fixture = *state;
	use_small_disk(fixture);
	fill_disk(fixture);
	start_instance(fixture, FULL_DISK);
	fake_started(NULL);
	expect_calls("create channels prepare start pause:10000");
	wait_for_story(fixture, "starting running paused:disk_full");
	end_instance(fixture);
	leave_small_disk(fixture);
}

static bool disk_full_is_logged(void *fixture)
{
	return log_has(fixture, "disk.full");
}

static void who_paused_the_board_himself_resumes_it_himself(void **state)
{
	struct fixture *fixture = *state;
	use_small_disk(fixture);
	run_instance(fixture, FULL_DISK);
	fake_paused();
	fill_disk(fixture);
	wait_until(fixture, disk_full_is_logged, fixture);
	free_disk(fixture);
	assert_false(wait_ms(fixture, has_ended, fixture, 2500));
	expect_calls("");
	expect_story(fixture, "starting running paused:user");
	end_instance(fixture);
	leave_small_disk(fixture);
}

static bool pause_has_failed(void *fixture)
{
	return log_has(fixture, "disk.pause_failed") && log_has(fixture, "the fake fails at actions");
}

static void a_board_that_cannot_be_paused_runs_on_and_that_is_logged(void **state)
{
	struct fixture *fixture = *state;
	use_small_disk(fixture);
	fake.fails_at = "actions";
	fill_disk(fixture);
	start_instance(fixture, FULL_DISK);
	fake_started(NULL);
	wait_until(fixture, pause_has_failed, fixture);
	expect_story(fixture, "starting running");
	fake_paused();
	expect_story(fixture, "starting running paused:user");
	end_instance(fixture);
	leave_small_disk(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_the_emulator_tells_is_told),
	    TEST(what_is_so_already_is_not_told_again),
	    TEST(a_helper_that_ends_is_told_and_the_board_goes_on),
	    TEST(a_running_instance_is_stopped),
	    TEST(a_paused_instance_is_stopped),
	    TEST(a_starting_instance_is_stopped),
	    TEST(a_stop_while_the_plan_is_made_ends_its_processes),
	    TEST(two_stops_are_one),
	    TEST(a_stop_asks_the_emulator_by_its_own_means_too),
	    TEST(an_emulator_that_is_no_longer_reached_is_not_asked),
	    TEST(an_emulator_that_does_not_end_is_killed),
	    TEST(an_emulator_that_does_not_end_is_given_its_time),
	    TEST(a_helper_is_given_the_whole_time_too),
	    TEST(what_daemonized_away_is_ended),
	    TEST(the_guests_exit_code_is_told),
	    TEST(an_emulator_that_ends_while_it_is_paused_is_told),
	    TEST(an_emulator_that_ends_by_itself_takes_its_helpers_along),
	    TEST(a_helper_that_must_be_killed_does_not_make_the_end_a_kill),
	    TEST(what_the_launcher_makes_of_the_end_counts),
	    TEST(a_connection_that_ends_is_followed_by_the_emulators_end_at_once),
	    TEST(an_emulator_that_lives_on_without_its_connection_is_ended),
	    TEST(a_connection_that_outlives_the_emulator_is_not_waited_for),
	    TEST(a_connection_that_outlives_a_stopped_emulator_is_not_waited_for),
	    TEST(an_end_waits_for_what_the_emulator_said_last),
	    TEST(a_start_whose_connection_outlives_it_tells_the_exit),
	    TEST(the_end_is_recorded_before_it_is_told),
	    TEST(output_and_logs_stay_when_all_else_goes),
	    TEST(who_uses_the_channels_lets_go_before_they_are_closed),
	    TEST(an_end_that_cannot_be_recorded_is_logged_and_told),
	    TEST(an_instance_that_is_destroyed_leaves_nothing_running),
	    TEST(a_full_disk_pauses_the_board_until_there_is_room),
	    TEST(a_start_on_a_full_disk_is_paused_at_once),
	    TEST(who_paused_the_board_himself_resumes_it_himself),
	    TEST(a_board_that_cannot_be_paused_runs_on_and_that_is_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
