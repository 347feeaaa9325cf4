/* What the observer of a fleet is told: what becomes of each board, and who asked for it. */

#include "support.h"

#include <signal.h>

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

static struct board *make_for(struct fleet_fixture *fixture, const char *id, const char *actor)
{
	cleanup_json json_t *spec = json_pack("{s:s, s:[], s:b}", "target", "board", "args", "paused", 0);
	const struct board_request request = {.id = id, .spec = spec, .actor = actor};
	struct error error;
	struct board *board = fleet_make_board(fixture->fleet, &request, &error);
	if (!board)
		fail_msg("%s", error.message);
	return board;
}

static struct board *run_for(struct fleet_fixture *fixture, const char *id, const char *actor)
{
	const struct board_start start = {.paused = -1, .actor = actor};
	struct error error;
	struct board *board = make_for(fixture, id, actor);
	if (board_start(board, &start, &error) < 0)
		fail_msg("%s", error.message);
	wait_for_state(fixture, id, "running");
	return board;
}

static void ignore(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	(void) data;
}

static void send_command(struct board *board, const char *command)
{
	struct error error;
	if (!board_command(board, command, NULL, 1000, ignore, NULL, &error))
		fail_msg("%s", error.message);
}

static void delete_for(struct fleet_fixture *fixture, const char *id, const char *actor)
{
	struct error error;
	if (board_delete(fleet_find(fixture->fleet, id), actor, NULL, NULL, &error) < 0)
		fail_msg("%s", error.message);
	wait_for_state(fixture, id, NULL);
}

static void a_life_is_told_with_who_asked_for_each_part(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct error error;
	struct board *board = run_for(fixture, "b", "ann");
	assert_int_equal(board_stop(board, "bob", &error), 0);
	wait_for_state(fixture, "b", "exited");
	assert_int_equal(board_stop(board, "eve", &error), 0);
	delete_for(fixture, "b", "cat");
	assert_string_equal(fixture->told, "b created: - -> created 0 by ann\n"
					   "b state: created -> starting 1 by ann\n"
					   "b state: starting -> running 1 by ann\n"
					   "b state: running -> stopping 1 by bob\n"
					   "b state: stopping -> exited 1 by bob\n"
					   "b deleted: - -> exited 1 by cat\n");
}

static void a_restart_is_all_of_who_asked_for_it(void **state)
{
	struct fleet_fixture *fixture = *state;
	const struct board_start start = {.paused = -1, .actor = "dan"};
	struct error error;
	struct board *board = run_for(fixture, "b", NULL);
	fixture->told[0] = '\0';
	assert_int_equal(board_restart(board, &start, &error), 0);
	wait_for_state(fixture, "b", "starting");
	wait_for_state(fixture, "b", "running");
	assert_string_equal(fixture->told, "b state: running -> stopping 1 by dan\n"
					   "b state: stopping -> exited 1 by dan\n"
					   "b state: exited -> starting 2 by dan\n"
					   "b state: starting -> running 2 by dan\n");
}

static void deleting_one_that_runs_is_all_of_who_asked_for_it(void **state)
{
	struct fleet_fixture *fixture = *state;
	run_for(fixture, "b", "ann");
	fixture->told[0] = '\0';
	delete_for(fixture, "b", "cat");
	assert_string_equal(fixture->told, "b state: running -> stopping 1 by cat\n"
					   "b state: stopping -> exited 1 by cat\n"
					   "b deleted: - -> exited 1 by cat\n");
}

static void what_comes_by_itself_is_nobodys(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_for(fixture, "b", "ann");
	fixture->told[0] = '\0';
	send_command(board, "die");
	wait_for_state(fixture, "b", "failed");
	assert_string_equal(fixture->told, "b state: running -> stopping 1 by -\n"
					   "b state: stopping -> failed 1 by -\n");
}

/* Who is refused has asked for nothing. */
static void a_refused_one_does_not_take_the_place_of_who_asked(void **state)
{
	struct fleet_fixture *fixture = *state;
	const struct board_start start = {.paused = -1, .actor = "ann"},
				 other = {.paused = -1, .actor = "eve"};
	struct error error;
	struct board *board = make_for(fixture, "b", "ann");
	assert_int_equal(board_start(board, &start, &error), 0);
	assert_true(board_start(board, &other, &error) < 0);
	assert_true(board_restart(board, &other, &error) < 0);
	board_set_actor(board, "eve");
	wait_for_state(fixture, "b", "running");
	assert_null(strstr(fixture->told, "eve"));
}

static void a_start_that_fails_at_once_is_told(void **state)
{
	struct fleet_fixture *fixture = *state;
	const struct board_start start = {.paused = -1, .actor = "ann"};
	struct error error;
	struct board *board = make_for(fixture, "b", "ann");
	fixture->told[0] = '\0';
	/* The control socket cannot be made. */
	assert_int_equal(mkdirat(board_dirfd(board), "control.sock", 0700), 0);
	assert_int_equal(mkdirat(board_dirfd(board), "control.sock/full", 0700), 0);
	assert_true(board_start(board, &start, &error) < 0);
	assert_string_equal(fixture->told, "b state: created -> starting 1 by ann\n"
					   "b state: starting -> failed 1 by ann\n");
}

static void after_a_restart_of_emud_only_what_has_changed_is_told(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_for(fixture, "b", "ann");
	json_int_t pid = json_member_integer(json_object_get(board_processes(board), "fake"), "pid", 0);
	make_for(fixture, "idle", "ann");
	fixture->told[0] = '\0';
	fleet_fixture_restart(fixture);
	wait_for_state(fixture, "b", "running");
	assert_string_equal(fixture->told, "");
	fleet_fixture_close(fixture);
	assert_int_equal(kill((pid_t) pid, SIGKILL), 0);
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "failed");
	assert_string_equal(fixture->told, "b state: running -> stopping 1 by -\n"
					   "b state: stopping -> failed 1 by -\n");
}

int main(int argc, char **argv)
{
	(void) argc;
	if (text_equal(argv[0], "emud-shim"))
		return play_shim();
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_life_is_told_with_who_asked_for_each_part),
	    TEST(a_restart_is_all_of_who_asked_for_it),
	    TEST(deleting_one_that_runs_is_all_of_who_asked_for_it),
	    TEST(what_comes_by_itself_is_nobodys),
	    TEST(a_refused_one_does_not_take_the_place_of_who_asked),
	    TEST(a_start_that_fails_at_once_is_told),
	    TEST(after_a_restart_of_emud_only_what_has_changed_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
