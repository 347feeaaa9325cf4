#include "support.h"

#include "core/process/sweep.h"

#include "core/base/clock.h"
#include "core/handles/spec.h"

#include <signal.h>
#include <sys/resource.h>

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

static void stop(struct board *board)
{
	struct error error;
	if (board_stop(board, NULL, &error) < 0)
		fail_msg("%s", error.message);
}

static void on_command_done(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	(void) data;
}

static void command(struct board *board, const char *name)
{
	struct error error;
	if (!board_command(board, name, NULL, 1000, on_command_done, NULL, &error))
		fail_msg("%s", error.message);
}

static char *reason_of(const struct board *board)
{
	cleanup_json json_t *json = board_to_json(board);
	const json_t *exit = json_object_get(json, "exit");
	return strdup(json_member_string(exit, "reason", "none"));
}

static void expect_reason(const struct board *board, const char *reason)
{
	cleanup_free char *found = reason_of(board);
	assert_string_equal(found, reason);
}

static void a_board_is_started_and_stopped(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = make_board(fixture, "b");
	assert_string_equal(board_state(board), "created");
	assert_int_equal(fleet_count_live(fixture->fleet), 0);
	start_board(board);
	assert_string_equal(board_state(board), "starting");
	wait_for_state(fixture, "b", "running");
	assert_int_equal(board_start_number(board), 1);
	assert_int_equal(fleet_count_live(fixture->fleet), 1);
	stop(board);
	assert_string_equal(board_state(board), "stopping");
	stop(board);
	wait_for_state(fixture, "b", "exited");
	expect_reason(board, "stopped");
	stop(board);
}

static void a_running_board_cannot_be_started(void **state)
{
	struct board *board = run_board(*state, "b");
	const struct board_start start = {.paused = -1};
	struct error error;
	assert_int_equal(board_start(board, &start, &error), -EALREADY);
	assert_string_equal(error.code, "already_running");
	stop(board);
	assert_int_equal(board_start(board, &start, &error), -EBUSY);
	assert_string_equal(error.code, "instance_busy");
	wait_for_state(*state, "b", "exited");
}

static void a_restart_begins_the_next_start(void **state)
{
	struct board *board = run_board(*state, "b");
	cleanup_json json_t *no_file = json_null();
	const struct board_start start = {.paused = -1, .file = no_file};
	struct error error;
	assert_int_equal(board_restart(board, &start, &error), 0);
	wait_for_state(*state, "b", "starting");
	wait_for_state(*state, "b", "running");
	assert_int_equal(board_start_number(board), 2);
	stop(board);
	wait_for_state(*state, "b", "exited");
}

static void a_restart_with_a_wrong_file_leaves_it_running(void **state)
{
	struct board *board = run_board(*state, "b");
	cleanup_json json_t *file = json_integer(1);
	const struct board_start start = {.paused = -1, .file = file};
	struct error error;
	assert_int_equal(board_restart(board, &start, &error), -ENOENT);
	assert_string_equal(error.code, "file_not_found");
	assert_string_equal(board_state(board), "running");
	stop(board);
	wait_for_state(*state, "b", "exited");
}

static void what_does_not_run_cannot_be_restarted(void **state)
{
	struct board *board = make_board(*state, "b");
	const struct board_start start = {.paused = -1};
	struct error error;
	assert_int_equal(board_restart(board, &start, &error), -ESRCH);
	assert_string_equal(error.code, "not_running");
	assert_string_equal(board_state(board), "created");
}

static void a_stop_takes_a_restart_back(void **state)
{
	struct board *board = run_board(*state, "b");
	const struct board_start start = {.paused = -1};
	struct error error;
	assert_int_equal(board_restart(board, &start, &error), 0);
	assert_int_equal(board_restart(board, &start, &error), -EBUSY);
	assert_int_equal(board_start(board, &start, &error), -EBUSY);
	stop(board);
	wait_for_state(*state, "b", "exited");
	assert_int_equal(board_start_number(board), 1);
	/* It stays so for the next emud, too. */
	fleet_fixture_restart(*state);
	board = fleet_find(((struct fleet_fixture *) *state)->fleet, "b");
	assert_string_equal(board_state(board), "exited");
	assert_int_equal(board_start_number(board), 1);
}

static void an_id_is_taken_once(void **state)
{
	struct fleet_fixture *fixture = *state;
	make_board(fixture, "b");
	cleanup_json json_t *spec = json_pack("{s:s, s:[]}", "target", "board", "args");
	const struct board_request request = {.id = "b", .spec = spec};
	struct error error;
	assert_null(fleet_make_board(fixture->fleet, &request, &error));
	assert_string_equal(error.code, "id_taken");
}

static void two_boards_never_share_a_directory(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = make_board(fixture, "b");
	cleanup_free char *path = text_format("%s/../b", board_path(board));
	cleanup_json json_t *spec = json_pack("{s:s, s:[]}", "target", "board", "args");
	const struct board_request request = {.id = "c", .path = path, .spec = spec};
	struct error error;
	assert_null(fleet_make_board(fixture->fleet, &request, &error));
	assert_string_equal(error.code, "conflict");
	assert_int_equal(fleet_count(fixture->fleet), 1);
}

static void a_board_that_cannot_be_made_leaves_nothing(void **state)
{
	struct fleet_fixture *fixture = *state;
	cleanup_json json_t *spec = json_pack("{s:s, s:[]}", "target", "none", "args");
	const struct board_request request = {.id = "c", .spec = spec};
	struct error error;
	assert_null(fleet_make_board(fixture->fleet, &request, &error));
	assert_string_equal(error.code, "unknown_target");
	assert_false(scratch_has(&fixture->scratch, "instances"));
}

struct deletion {
	int count;
	int number;
};

static void on_deleted(const struct error *error, void *data)
{
	struct deletion *deletion = data;
	deletion->count++;
	deletion->number = error ? error->number : 0;
}

static bool is_deleted(void *data)
{
	return ((struct deletion *) data)->count > 0;
}

static void delete (struct fleet_fixture *fixture, struct board *board)
{
	struct deletion deletion = {0};
	struct error error;
	assert_int_equal(board_delete(board, NULL, on_deleted, &deletion, &error), 0);
	run_loop_until(fixture->loop, is_deleted, &deletion);
	assert_int_equal(deletion.count, 1);
	assert_int_equal(deletion.number, 0);
}

static void deleting_stops_it_and_removes_its_directory(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	assert_true(scratch_has(&fixture->scratch, "instances/b/spec.json"));
	delete (fixture, board);
	assert_null(fleet_find(fixture->fleet, "b"));
	assert_false(scratch_has(&fixture->scratch, "instances/b"));
}

static void a_shim_that_cannot_be_made_is_a_failed_start(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = make_board(fixture, "b");
	struct rlimit none, before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 8;
	setrlimit(RLIMIT_NOFILE, &none);
	const struct board_start start = {.paused = -1};
	struct error error;
	int result = board_start(board, &start, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(result < 0);
	assert_string_equal(board_state(board), "failed");
	assert_true(board_start_failure(board, &error));
	assert_string_equal(error.code, "start_failed");
}

/* ---- what its shim did ---- */

static void what_a_dead_shim_leaves_is_swept_without_holding_up_the_loop(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("fork");
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	assert_false(cookie_is_gone(cookie));
	assert_int_equal(file_write_atomic(board_dirfd(board), "handles.json", "{}", 2, 0600, NULL), 0);
	command(board, "die");
	wait_for_state(fixture, "b", "stopping");
	wait_for_state(fixture, "b", "failed");
	expect_reason(board, "supervisor_lost");
	assert_true(cookie_is_gone(cookie));
	assert_int_equal(faccessat(board_dirfd(board), "handles.json", F_OK, 0), -1);
}

static void a_board_may_go_while_it_is_swept(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("fork");
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	command(board, "die");
	wait_for_state(fixture, "b", "stopping");
	fleet_fixture_close(fixture);
	run_loop_until(fixture->loop, cookie_is_gone, cookie);
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "failed");
}

static void a_lost_board_is_deleted_after_its_sweep(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("fork");
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	command(board, "die");
	wait_for_state(fixture, "b", "stopping");
	delete (fixture, board);
	assert_true(cookie_is_gone(cookie));
	assert_false(scratch_has(&fixture->scratch, "instances/b"));
}

static void an_end_that_only_the_record_tells_is_taken(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("mute end");
	struct board *board = run_board(fixture, "b");
	stop(board);
	wait_for_state(fixture, "b", "exited");
	expect_reason(board, "stopped");
}

static void the_end_is_dated_by_who_saw_it(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	stop(board);
	wait_for_state(fixture, "b", "exited");
	cleanup_json json_t *json = board_to_json(board);
	assert_string_equal(json_member_string(json, "ended_at", ""), "2020-02-02T02:02:02.020Z");
}

static void on_answer(const struct error *error, const json_t *body, void *data)
{
	(void) body;
	assert_non_null(error);
	*(bool *) data = true;
}

static bool is_set(void *data)
{
	return *(bool *) data;
}

static void a_shim_that_only_hangs_up_is_asked_anew(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	struct error error;
	bool answered = false;
	assert_non_null(board_command(board, "hang up", NULL, 1000, on_answer, &answered, &error));
	run_loop_until(fixture->loop, is_set, &answered);
	stop(board);
	wait_for_state(fixture, "b", "exited");
	expect_reason(board, "stopped");
}

static void a_shim_that_hangs_is_killed_with_all_it_has(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("hang");
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	int64_t begin_ms = clock_monotonic_ms();
	stop(board);
	wait_for_state(fixture, "b", "failed");
	expect_reason(board, "supervisor_lost");
	assert_in_range(clock_monotonic_ms() - begin_ms, 5000, 15000);
	assert_true(cookie_is_gone(cookie));
}

static void a_shim_that_never_spoke_is_deleted(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("silent");
	struct board *board = make_board(fixture, "b");
	start_board(board);
	cleanup_free char *cookie = read_cookie(board);
	delete (fixture, board);
	assert_true(cookie_is_gone(cookie));
}

/* ---- emud dies and comes again ---- */

static void a_running_board_is_found_again(void **state)
{
	struct fleet_fixture *fixture = *state;
	run_board(fixture, "b");
	fleet_fixture_restart(fixture);
	struct board *board = fleet_find(fixture->fleet, "b");
	assert_non_null(board);
	assert_string_equal(board_state(board), "running");
	stop(board);
	wait_for_state(fixture, "b", "exited");
	expect_reason(board, "stopped");
}

static void an_end_while_emud_was_away_is_told(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	stop(board);
	fleet_fixture_close(fixture);
	run_loop_until(fixture->loop, cookie_is_gone, cookie);
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "exited");
	expect_reason(fleet_find(fixture->fleet, "b"), "stopped");
}

/* Stopped by the restart, not yet begun again: what it is to begin with lies in the store alone. */
static void a_restart_that_emud_dies_in_has_what_was_asked_for(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	cleanup_json json_t *args = json_pack("[s]", "-new");
	const struct board_start start = {.paused = 1, .args = args};
	struct error error;
	assert_int_equal(board_restart(board, &start, &error), 0);
	fleet_fixture_close(fixture);
	run_loop_until(fixture->loop, cookie_is_gone, cookie);
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "running");
	board = fleet_find(fixture->fleet, "b");
	assert_int_equal(board_start_number(board), 2);
	struct spec spec;
	assert_int_equal(spec_read(board_dirfd(board), &spec, &error), 0);
	assert_string_equal(spec.args[0], "-new");
	assert_true(spec.paused);
	spec_finish(&spec);
	stop(board);
	wait_for_state(fixture, "b", "exited");
	/* The args are in force from then on; being paused was for that start. */
	start_board(board);
	assert_int_equal(spec_read(board_dirfd(board), &spec, &error), 0);
	assert_string_equal(spec.args[0], "-new");
	assert_false(spec.paused);
	spec_finish(&spec);
	wait_for_state(fixture, "b", "running");
	stop(board);
	wait_for_state(fixture, "b", "exited");
}

static void what_a_lost_start_had_is_known_to_the_next_emud(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	command(board, "die");
	wait_for_state(fixture, "b", "failed");
	cleanup_json json_t *record = exit_record_read(board_dirfd(board), 1);
	assert_non_null(json_object_get(record, "channels"));
	fleet_fixture_restart(fixture);
	board = fleet_find(fixture->fleet, "b");
	expect_reason(board, "supervisor_lost");
	assert_non_null(board_channels(board));
	assert_int_equal(json_object_size(board_processes(board)), 0);
}

static void a_stop_goes_on_after_emud_was_away(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("hang");
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	stop(board);
	fleet_fixture_restart(fixture);
	wait_for_state(fixture, "b", "failed");
	assert_true(cookie_is_gone(cookie));
}

static void a_start_that_emud_died_in_is_begun_again(void **state)
{
	struct fleet_fixture *fixture = *state;
	shims_play("silent");
	struct board *board = make_board(fixture, "b");
	start_board(board);
	cleanup_free char *cookie = read_cookie(board);
	fleet_fixture_close(fixture);
	assert_true(sweep_cookie(cookie + strlen("EMUD_COOKIE=")) > 0);
	shims_play("run");
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "running");
	board = fleet_find(fixture->fleet, "b");
	assert_int_equal(board_start_number(board), 1);
	cleanup_free char *cookie_now = read_cookie(board);
	assert_string_not_equal(cookie, cookie_now);
	stop(board);
	wait_for_state(fixture, "b", "exited");
}

static bool is_no_board(void *data)
{
	struct fleet_fixture *fixture = data;
	return !fleet_find(fixture->fleet, "b");
}

static void a_delete_goes_on_after_emud_was_away(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	struct error error;
	assert_int_equal(board_delete(board, NULL, NULL, NULL, &error), 0);
	assert_int_equal(board_delete(board, NULL, NULL, NULL, &error), -EBUSY);
	fleet_fixture_close(fixture);
	fleet_fixture_open(fixture);
	run_loop_until(fixture->loop, is_no_board, fixture);
	assert_false(scratch_has(&fixture->scratch, "instances/b"));
}

static void a_directory_that_is_gone_is_a_failed_board(void **state)
{
	struct fleet_fixture *fixture = *state;
	make_board(fixture, "b");
	fleet_fixture_close(fixture);
	assert_int_equal(file_remove_tree(fixture->scratch.dirfd, "instances/b", NULL), 0);
	fleet_fixture_open(fixture);
	wait_for_state(fixture, "b", "failed");
	delete (fixture, fleet_find(fixture->fleet, "b"));
}

static bool is_settled(void *board)
{
	return board_is_settled(board);
}

static void want_of_descriptors_ends_no_board(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct board *board = run_board(fixture, "b");
	cleanup_free char *cookie = read_cookie(board);
	fleet_fixture_close(fixture);
	for (fixture->spare_descriptors = 0; fixture->spare_descriptors < 4; fixture->spare_descriptors++) {
		fleet_fixture_open(fixture);
		fleet_fixture_close(fixture);
		assert_false(cookie_is_gone(cookie));
	}
	fixture->spare_descriptors = 1;
	fleet_fixture_open(fixture);
	board = fleet_find(fixture->fleet, "b");
	assert_false(board_is_settled(board));
	run_loop_until(fixture->loop, is_settled, board);
	assert_string_equal(board_state(board), "running");
	assert_false(cookie_is_gone(cookie));
	stop(board);
	wait_for_state(fixture, "b", "exited");
}

int main(int argc, char **argv)
{
	(void) argc;
	if (text_equal(argv[0], "emud-shim"))
		return play_shim();
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    TEST(a_board_is_started_and_stopped),
	    TEST(a_running_board_cannot_be_started),
	    TEST(a_restart_begins_the_next_start),
	    TEST(a_restart_with_a_wrong_file_leaves_it_running),
	    TEST(what_does_not_run_cannot_be_restarted),
	    TEST(a_stop_takes_a_restart_back),
	    TEST(an_id_is_taken_once),
	    TEST(two_boards_never_share_a_directory),
	    TEST(a_board_that_cannot_be_made_leaves_nothing),
	    TEST(deleting_stops_it_and_removes_its_directory),
	    TEST(a_shim_that_cannot_be_made_is_a_failed_start),
	    TEST(what_a_dead_shim_leaves_is_swept_without_holding_up_the_loop),
	    TEST(a_board_may_go_while_it_is_swept),
	    TEST(a_lost_board_is_deleted_after_its_sweep),
	    TEST(an_end_that_only_the_record_tells_is_taken),
	    TEST(the_end_is_dated_by_who_saw_it),
	    TEST(a_shim_that_only_hangs_up_is_asked_anew),
	    TEST(a_shim_that_hangs_is_killed_with_all_it_has),
	    TEST(a_shim_that_never_spoke_is_deleted),
	    TEST(a_running_board_is_found_again),
	    TEST(an_end_while_emud_was_away_is_told),
	    TEST(a_restart_that_emud_dies_in_has_what_was_asked_for),
	    TEST(what_a_lost_start_had_is_known_to_the_next_emud),
	    TEST(a_stop_goes_on_after_emud_was_away),
	    TEST(a_start_that_emud_died_in_is_begun_again),
	    TEST(a_delete_goes_on_after_emud_was_away),
	    TEST(a_directory_that_is_gone_is_a_failed_board),
	    TEST(want_of_descriptors_ends_no_board),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
