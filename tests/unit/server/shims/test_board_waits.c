#include "support.h"

struct wait {
	struct board_wait *wait;
	int count;
	enum board_wait_result result;
	struct board *board;
	struct wait *cancels; /* another, within the callback */
	bool done;
};

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

static void on_result(struct board *board, enum board_wait_result result, void *data)
{
	struct wait *wait = data;
	wait->count++;
	wait->result = result;
	wait->board = board;
	wait->wait = NULL;
	wait->done = true;
	if (wait->cancels)
		board_wait_cancel(TAKE(wait->cancels->wait));
}

static bool is_done(void *data)
{
	return ((struct wait *) data)->done;
}

static void begin(struct wait *wait, struct board *board, board_condition *condition, uint64_t timeout_ms)
{
	struct error error;
	wait->wait = board_wait_begin(board, condition, timeout_ms, on_result, wait, &error);
	assert_non_null(wait->wait);
	assert_int_equal(wait->count, 0);
}

static enum board_progress can_never_be(const struct board *board, void *data)
{
	(void) board;
	(void) data;
	return BOARD_UNREACHABLE;
}

static enum board_progress comes_when_told(const struct board *board, void *data)
{
	(void) data;
	return text_equal(board_state(board), "running") ? BOARD_REACHED : BOARD_PENDING;
}

static void what_holds_already_is_told_in_the_next_turn(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct wait ended = {0}, never = {0};
	struct board *board = make_board(fixture, "b");
	begin(&ended, board, board_has_ended, 5000);
	begin(&never, board, can_never_be, 5000);
	run_loop_until(fixture->loop, is_done, &ended);
	run_loop_until(fixture->loop, is_done, &never);
	assert_int_equal(ended.result, BOARD_WAIT_DONE);
	assert_ptr_equal(ended.board, board);
	assert_int_equal(never.result, BOARD_WAIT_IMPOSSIBLE);
	assert_int_equal(ended.count + never.count, 2);
}

static void a_change_is_seen(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct wait running = {0};
	struct error error;
	struct board *board = make_board(fixture, "b");
	begin(&running, board, comes_when_told, 10000);
	start_board(board);
	run_loop_until(fixture->loop, is_done, &running);
	assert_int_equal(running.result, BOARD_WAIT_DONE);
	assert_int_equal(running.count, 1);
	board_delete(board, NULL, NULL, NULL, &error);
	wait_for_state(fixture, "b", NULL);
}

static void time_runs_out(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct wait wait = {0};
	begin(&wait, make_board(fixture, "b"), comes_when_told, 5);
	run_loop_until(fixture->loop, is_done, &wait);
	assert_int_equal(wait.result, BOARD_WAIT_TIMEOUT);
	assert_int_equal(wait.count, 1);
}

static bool never_holds(void *data)
{
	(void) data;
	return false;
}

static void a_cancelled_wait_is_silent_even_when_it_was_due(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct wait first = {0}, second = {0}, cancelled = {0};
	struct board *board = make_board(fixture, "b");
	begin(&cancelled, board, board_has_ended, 5000);
	board_wait_cancel(TAKE(cancelled.wait));
	begin(&first, board, board_has_ended, 5000);
	begin(&second, board, board_has_ended, 5000);
	first.cancels = &second;
	second.cancels = &first;
	run_loop(fixture->loop, never_holds, NULL, 30);
	assert_int_equal(cancelled.count, 0);
	assert_int_equal(first.count + second.count, 1);
}

static void whoever_waits_for_a_deleted_board_is_told(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct wait wait = {0}, due = {0};
	struct error error;
	struct board *board = make_board(fixture, "b");
	begin(&wait, board, comes_when_told, 5000);
	begin(&due, board, board_has_ended, 5000);
	assert_int_equal(board_delete(board, NULL, NULL, NULL, &error), 0);
	assert_int_equal(wait.result, BOARD_WAIT_DELETED);
	assert_null(wait.board);
	run_loop(fixture->loop, never_holds, NULL, 30);
	assert_int_equal(wait.count, 1);
	assert_int_equal(due.count, 1);
}

int main(int argc, char **argv)
{
	(void) argc;
	if (text_equal(argv[0], "emud-shim"))
		return play_shim();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_holds_already_is_told_in_the_next_turn),
	    TEST(a_change_is_seen),
	    TEST(time_runs_out),
	    TEST(a_cancelled_wait_is_silent_even_when_it_was_due),
	    TEST(whoever_waits_for_a_deleted_board_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
