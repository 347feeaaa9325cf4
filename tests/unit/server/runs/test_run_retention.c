#include "../../scratch.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "server/runs/run_retention.h"
#include "server/store/runs.h"

#include <inttypes.h>

/* Of a fleet it wants the configuration alone. */
struct fleet {
	struct config *config;
};

struct config *fleet_config(const struct fleet *fleet)
{
	return fleet->config;
}

struct retention_fixture {
	struct scratch scratch;
	struct store *store;
	struct loop *loop;
	struct fleet fleet;
	struct run_retention *retention;
	char removed[4096]; /* "1:count 2:age " */
	int count;
	int refuse;           /* so many are not removed */
	int wanted;           /* the loop ends when so many are gone */
	int turns;            /* left until the loop ends */
	int most_a_turn, now; /* removed in one turn of the loop */
};

static int on_remove(int64_t id, const char *why, void *data)
{
	struct retention_fixture *fixture = data;
	if (fixture->refuse > 0) {
		fixture->refuse--;
		return -EIO;
	}
	assert_int_equal(runs_delete(fixture->store, id, NULL), 0);
	size_t length = strlen(fixture->removed);
	snprintf(fixture->removed + length, sizeof(fixture->removed) - length, "%" PRId64 ":%s ", id, why);
	if (++fixture->now > fixture->most_a_turn)
		fixture->most_a_turn = fixture->now;
	if (++fixture->count == fixture->wanted)
		loop_stop(fixture->loop);
	return 0;
}

static void use_limits(struct retention_fixture *fixture, const char *limits)
{
	static const struct config_emulator *const none[] = {NULL};
	cleanup_free char *text = text_format("server: {limits: {%s}}\npw: {}\n", limits);
	scratch_write(&fixture->scratch, "pw.yaml", text);
	cleanup_free char *path = text_format("%s/pw.yaml", fixture->scratch.path);
	struct config_report report = {0};
	config_unref(fixture->fleet.config);
	fixture->fleet.config = config_load(path, none, &report);
	config_report_finish(&report);
	assert_non_null(fixture->fleet.config);
}

static int set_up(void **state)
{
	struct retention_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	cleanup_free char *path = text_format("%s/emud.db", fixture->scratch.path);
	struct error error = {0};
	fixture->store = store_open(path, &error);
	fixture->loop = loop_create(NULL);
	assert_non_null(fixture->store);
	assert_non_null(fixture->loop);
	use_limits(fixture, "");
	fixture->retention =
	    run_retention_create(fixture->loop, fixture->store, &fixture->fleet, on_remove, fixture, &error);
	if (!fixture->retention)
		fail_msg("%s", error.message);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct retention_fixture *fixture = *state;
	run_retention_destroy(fixture->retention);
	loop_destroy(fixture->loop);
	store_close(fixture->store);
	config_unref(fixture->fleet.config);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void insert(struct retention_fixture *fixture, int64_t ended_at_ms, int64_t output_bytes,
		   char *instance)
{
	struct run_row row = {.state = ended_at_ms ? "ended" : "running",
			      .verdict = ended_at_ms ? "passed" : NULL,
			      .target = "t",
			      .labels = "{}",
			      .client = "c",
			      .spec = "{}",
			      .instance = instance,
			      .output_bytes = output_bytes,
			      .ended_at_ms = ended_at_ms};
	assert_int_equal(runs_insert(fixture->store, &row, NULL), 0);
}

static void on_turn(void *data)
{
	struct retention_fixture *fixture = data;
	fixture->now = 0;
	if (fixture->turns-- == 0)
		loop_stop(fixture->loop);
	else
		assert_non_null(loop_defer(fixture->loop, on_turn, fixture, NULL));
}

static void run_turns(struct retention_fixture *fixture, int turns)
{
	fixture->turns = turns;
	assert_non_null(loop_defer(fixture->loop, on_turn, fixture, NULL));
	loop_run(fixture->loop);
}

static void expect_removed(struct retention_fixture *fixture, const char *removed)
{
	run_retention_look(fixture->retention);
	run_turns(fixture, 3);
	assert_string_equal(fixture->removed, removed);
	fixture->removed[0] = '\0';
}

static void what_is_within_the_limits_stays(void **state)
{
	struct retention_fixture *fixture = *state;
	int64_t now = clock_wall_ms();
	expect_removed(fixture, "");
	use_limits(fixture, "kept_runs: 2, kept_runs_age: 100, kept_runs_bytes: 20");
	insert(fixture, now, 10, NULL);
	insert(fixture, now - 50 * 1000, 10, NULL);
	expect_removed(fixture, "");
}

static void the_oldest_goes_when_there_are_too_many(void **state)
{
	struct retention_fixture *fixture = *state;
	int64_t now = clock_wall_ms();
	for (int i = 0; i < 4; i++)
		insert(fixture, now - i, 1, NULL);
	use_limits(fixture, "kept_runs: 2");
	expect_removed(fixture, "4:count 3:count ");
}

static void the_oldest_goes_when_output_takes_too_much_room(void **state)
{
	struct retention_fixture *fixture = *state;
	int64_t now = clock_wall_ms();
	insert(fixture, now - 3, 50, NULL);
	insert(fixture, now - 2, 0, NULL);
	insert(fixture, now - 1, 70, NULL);
	insert(fixture, now, 30, NULL);
	use_limits(fixture, "kept_runs_bytes: 100");
	expect_removed(fixture, "1:bytes ");
	use_limits(fixture, "kept_runs_bytes: 29");
	expect_removed(fixture, "2:bytes 3:bytes 4:bytes ");
}

static void what_is_too_old_goes(void **state)
{
	struct retention_fixture *fixture = *state;
	int64_t now = clock_wall_ms();
	insert(fixture, now, 1, NULL);
	insert(fixture, now - 11 * 1000, 1, NULL);
	insert(fixture, 1, 1, NULL);
	use_limits(fixture, "kept_runs_age: 10");
	expect_removed(fixture, "3:age 2:age ");
}

static void what_has_not_ended_or_holds_an_instance_is_not_counted(void **state)
{
	struct retention_fixture *fixture = *state;
	insert(fixture, 0, 100, NULL);
	insert(fixture, 1, 100, "run-2");
	insert(fixture, clock_wall_ms(), 100, NULL);
	use_limits(fixture, "kept_runs: 1, kept_runs_age: 100, kept_runs_bytes: 100");
	expect_removed(fixture, "");
	use_limits(fixture, "kept_runs: 0, kept_runs_age: 0, kept_runs_bytes: 0");
	expect_removed(fixture, "3:count ");
}

static void on_late(void *data)
{
	(void) data;
	fail_msg("it was not removed in time");
}

static void what_gets_too_old_goes_by_itself(void **state)
{
	struct retention_fixture *fixture = *state;
	int64_t now = clock_wall_ms();
	use_limits(fixture, "kept_runs_age: 1000");
	insert(fixture, now - 1000 * 1000 + 3000, 1, NULL);
	insert(fixture, now - 1000 * 1000 + 3100, 1, NULL);
	insert(fixture, now, 1, NULL);
	expect_removed(fixture, "");
	struct loop_timer *late = loop_timer_create(fixture->loop, on_late, NULL, NULL);
	loop_timer_start(late, 10 * 1000);
	fixture->wanted = 1;
	loop_run(fixture->loop);
	assert_true(clock_wall_ms() >= now + 3000);
	fixture->wanted = 2;
	loop_run(fixture->loop);
	assert_true(clock_wall_ms() >= now + 3100);
	loop_timer_destroy(late);
	assert_string_equal(fixture->removed, "1:age 2:age ");
	fixture->removed[0] = '\0';
	expect_removed(fixture, "");
}

static void many_at_once_leave_the_loop_to_others_in_between(void **state)
{
	struct retention_fixture *fixture = *state;
	for (int i = 0; i < 100; i++)
		insert(fixture, 1, 1, NULL);
	run_retention_look(fixture->retention);
	run_turns(fixture, 50);
	assert_int_equal(fixture->count, 100);
	assert_in_range(fixture->most_a_turn, 1, 10);
}

static void one_that_cannot_be_removed_is_tried_again(void **state)
{
	struct retention_fixture *fixture = *state;
	insert(fixture, 1, 1, NULL);
	insert(fixture, 2, 1, NULL);
	fixture->refuse = 1;
	expect_removed(fixture, "");
	assert_int_equal(fixture->refuse, 0);
	expect_removed(fixture, "1:age 2:age ");
}

static void nothing_comes_after_its_end(void **state)
{
	struct retention_fixture *fixture = *state;
	insert(fixture, 1, 1, NULL);
	run_retention_look(fixture->retention);
	run_retention_destroy(TAKE(fixture->retention));
	run_turns(fixture, 2);
	assert_string_equal(fixture->removed, "");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_within_the_limits_stays),
	    TEST(the_oldest_goes_when_there_are_too_many),
	    TEST(the_oldest_goes_when_output_takes_too_much_room),
	    TEST(what_is_too_old_goes),
	    TEST(what_has_not_ended_or_holds_an_instance_is_not_counted),
	    TEST(what_gets_too_old_goes_by_itself),
	    TEST(many_at_once_leave_the_loop_to_others_in_between),
	    TEST(one_that_cannot_be_removed_is_tried_again),
	    TEST(nothing_comes_after_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
