#include "tests/unit/server/store/store_fixture.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/events/events.h"

#include <string.h>

enum { DEADLINE_MS = 20000, HEARD_MAX = 4096 };

struct stage {
	struct store_fixture *files;
	struct loop *loop;
	struct log *log;
	struct events *events;
	struct loop_timer *deadline;
	bool is_late;
};

struct listening {
	struct event_listener *listener;
	int64_t heard[HEARD_MAX];
	size_t count, wanted;
	size_t hold_at; /* says "no more" with that one */
	int64_t since, first_id;
	int dropped;
	char last[256];
	struct stage *stage;
};

static void on_late(void *data)
{
	struct stage *stage = data;
	stage->is_late = true;
	loop_stop(stage->loop);
}

static void open_events(struct stage *stage, uint64_t kept, double age_s)
{
	struct error error = {0};
	const struct events_limits limits = {.kept = kept, .kept_age_s = age_s};
	stage->events = events_create(stage->loop, stage->files->store, stage->log, &limits, &error);
	if (!stage->events)
		fail_msg("%s", error.message);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	void *files = NULL;
	store_fixture_setup(&files);
	stage->files = files;
	stage->loop = loop_create(NULL);
	stage->log = log_create(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_KEY_VALUE);
	stage->deadline = loop_timer_create(stage->loop, on_late, stage, NULL);
	open_events(stage, 100000, 3600);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	void *files = stage->files;
	events_destroy(stage->events);
	loop_timer_destroy(stage->deadline);
	store_fixture_teardown(&files);
	loop_destroy(stage->loop);
	log_destroy(stage->log);
	free(stage);
	return 0;
}

static void publish(struct stage *stage, const char *type, const char *instance)
{
	const struct event event = {
	    .type = type, .actor = "ann", .instance = instance, .data = json_pack("{s:s}", "state", "x")};
	events_publish(stage->events, &event);
}

static void publish_many(struct stage *stage, int count)
{
	for (int i = 0; i < count; i++)
		publish(stage, "instance.state", i % 2 ? "odd" : "even");
}

static int on_event(int64_t id, const char *type, const json_t *event, void *data)
{
	struct listening *listening = data;
	assert_true(listening->count < HEARD_MAX);
	assert_int_equal(json_member_integer(event, "id", 0), id);
	assert_string_equal(json_member_string(event, "type", ""), type);
	listening->heard[listening->count++] = id;
	cleanup_free char *text = json_to_text(event);
	snprintf(listening->last, sizeof(listening->last), "%s", text);
	if (listening->count == listening->wanted)
		loop_stop(listening->stage->loop);
	return listening->count == listening->hold_at ? -EAGAIN : 0;
}

static int on_dropped(int64_t since, int64_t first_id, void *data)
{
	struct listening *listening = data;
	listening->dropped++;
	listening->since = since;
	listening->first_id = first_id;
	return 0;
}

static const struct event_listener_events callbacks = {.on_event = on_event, .on_dropped = on_dropped};

static void listen_to(struct listening *listening, struct stage *stage, const struct event_filter *filter,
		      int64_t since)
{
	*listening = (struct listening){.stage = stage};
	listening->listener =
	    event_listener_create(stage->events, filter, since, &callbacks, listening, NULL);
	assert_non_null(listening->listener);
}

static void run_until(struct listening *listening, size_t wanted)
{
	struct stage *stage = listening->stage;
	listening->wanted = wanted;
	loop_timer_start(stage->deadline, DEADLINE_MS);
	if (listening->count < wanted)
		loop_run(stage->loop);
	if (stage->is_late)
		fail_msg("%zu of %zu events came", listening->count, wanted);
	loop_timer_stop(stage->deadline);
}

static void on_settled(void *data)
{
	loop_stop(data);
}

/* Whatever is due has been done. */
static void settle(struct stage *stage)
{
	for (int turn = 0; turn < 3; turn++) {
		assert_non_null(loop_defer(stage->loop, on_settled, stage->loop, NULL));
		loop_run(stage->loop);
	}
}

static void assert_heard(const struct listening *listening, int64_t first, int64_t last)
{
	assert_int_equal(listening->count, last - first + 1);
	for (size_t i = 0; i < listening->count; i++)
		assert_int_equal(listening->heard[i], first + (int64_t) i);
}

static const struct event_filter all = {0};

static void who_is_up_to_date_is_told_in_the_next_turn(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	listen_to(&listening, stage, &all, events_last_id(stage->events));
	publish(stage, "instance.state", "demo");
	assert_int_equal(listening.count, 0);
	run_until(&listening, 1);
	assert_heard(&listening, 1, 1);
	assert_non_null(
	    strstr(listening.last, "\"type\":\"instance.state\",\"actor\":\"ann\",\"instance\":\"demo\""));
	assert_non_null(strstr(listening.last, "\"data\":{\"state\":\"x\"}"));
	assert_null(strstr(listening.last, "\"run\""));
	event_listener_destroy(listening.listener);
}

/* The time that the next event tells. */
static int64_t hear_time(struct listening *listening, int64_t time_ms)
{
	const struct event event = {.type = "instance.state", .instance = "demo", .time_ms = time_ms};
	events_publish(listening->stage->events, &event);
	run_until(listening, listening->count + 1);
	json_t *told = json_parse(listening->last, strlen(listening->last), NULL);
	int64_t told_ms = 0;
	assert_int_equal(clock_parse_rfc3339(json_member_string(told, "time", ""), &told_ms), 0);
	json_decref(told);
	return told_ms;
}

static void a_time_that_is_kept_elsewhere_too_is_told_unless_something_has_happened_since(void **state)
{
	struct listening listening;
	listen_to(&listening, *state, &all, 0);
	int64_t begin_ms = clock_wall_ms();
	assert_int_equal(hear_time(&listening, begin_ms - 5000), begin_ms - 5000);
	assert_int_equal(hear_time(&listening, begin_ms - 5000), begin_ms - 5000);
	assert_true(hear_time(&listening, begin_ms - 5001) >= begin_ms);
	assert_true(hear_time(&listening, 0) >= begin_ms);
	event_listener_destroy(listening.listener);
}

static void who_comes_late_reads_what_was_kept_and_then_what_is_new(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	publish_many(stage, 2000);
	listen_to(&listening, stage, &all, 3);
	run_until(&listening, 700);
	publish_many(stage, 5);
	run_until(&listening, 2002);
	assert_heard(&listening, 4, 2005);
	event_listener_destroy(listening.listener);
}

static void more_than_is_remembered_may_come_in_one_turn(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	listen_to(&listening, stage, &all, 0);
	settle(stage);
	publish_many(stage, 1500);
	run_until(&listening, 1500);
	assert_heard(&listening, 1, 1500);
	event_listener_destroy(listening.listener);
}

static void filters_must_all_fit(void **state)
{
	struct stage *stage = *state;
	const struct event_filter odd = {.type = "instance.*", .instance = "odd"};
	const struct event_filter reset = {.type = "instance.reset", .instance = "odd"};
	struct listening early, late, none;
	listen_to(&early, stage, &odd, 0);
	listen_to(&none, stage, &reset, 0);
	publish_many(stage, 6);
	publish(stage, "config.reloaded", NULL);
	run_until(&early, 3);
	listen_to(&late, stage, &odd, 0);
	run_until(&late, 3);
	settle(stage);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(early.heard[i], 2 * i + 2);
		assert_int_equal(late.heard[i], 2 * i + 2);
	}
	assert_int_equal(none.count, 0);
	event_listener_destroy(early.listener);
	event_listener_destroy(late.listener);
	event_listener_destroy(none.listener);
}

static void who_is_full_gets_nothing_until_it_asks(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	listen_to(&listening, stage, &all, 0);
	listening.hold_at = 2;
	publish_many(stage, 5);
	run_until(&listening, 2);
	publish_many(stage, 5);
	settle(stage);
	assert_heard(&listening, 1, 2);
	event_listener_resume(listening.listener);
	run_until(&listening, 10);
	assert_heard(&listening, 1, 10);
	event_listener_destroy(listening.listener);
}

static void what_goes_while_a_listener_is_full_is_told(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	const struct events_limits few = {.kept = 10, .kept_age_s = 3600};
	listen_to(&listening, stage, &all, 0);
	listening.hold_at = 2;
	publish_many(stage, 50);
	run_until(&listening, 2);
	events_set_limits(stage->events, &few);
	settle(stage);
	assert_int_equal(events_first_id(stage->events), 41);
	event_listener_resume(listening.listener);
	run_until(&listening, 12);
	assert_int_equal(listening.dropped, 1);
	assert_int_equal(listening.since, 2);
	assert_int_equal(listening.first_id, 41);
	assert_int_equal(listening.heard[2], 41);
	assert_int_equal(listening.heard[11], 50);
	event_listener_destroy(listening.listener);
}

static void an_id_that_never_was_is_told_like_one_that_is_gone(void **state)
{
	struct stage *stage = *state;
	struct listening listening;
	publish_many(stage, 3);
	listen_to(&listening, stage, &all, 1000);
	run_until(&listening, 3);
	assert_heard(&listening, 1, 3);
	assert_int_equal(listening.dropped, 1);
	assert_int_equal(listening.since, 1000);
	assert_int_equal(listening.first_id, 1);
	event_listener_destroy(listening.listener);
}

/* What the first one was about to be told must not be taken for the second one's. */
static void listeners_come_and_go_within_a_turn(void **state)
{
	struct stage *stage = *state;
	struct listening first, second;
	listen_to(&first, stage, &all, 0);
	publish_many(stage, 2);
	event_listener_destroy(first.listener);
	publish_many(stage, 2);
	listen_to(&second, stage, &all, 0);
	publish_many(stage, 2);
	run_until(&second, 6);
	assert_heard(&second, 1, 6);
	assert_int_equal(first.count, 0);
	event_listener_destroy(second.listener);
}

static void too_many_go_a_few_at_a_time(void **state)
{
	struct stage *stage = *state;
	const struct events_limits limits = {.kept = 640, .kept_age_s = 3600};
	events_set_limits(stage->events, &limits);
	publish_many(stage, 650);
	settle(stage);
	assert_int_equal(events_first_id(stage->events), 1);
	publish_many(stage, 1);
	settle(stage);
	assert_int_equal(events_first_id(stage->events), 12);
	assert_int_equal(events_last_id(stage->events), 651);
	events_destroy(stage->events);
	open_events(stage, 1, 3600);
	settle(stage);
	settle(stage);
	assert_int_equal(events_first_id(stage->events), 651);
}

static bool is_empty(const struct stage *stage)
{
	return events_first_id(stage->events) > events_last_id(stage->events);
}

static void old_ones_go_without_anything_happening(void **state)
{
	struct stage *stage = *state;
	const struct events_limits limits = {.kept = 1000, .kept_age_s = 0.05};
	publish_many(stage, 3);
	events_set_limits(stage->events, &limits);
	loop_timer_start(stage->deadline, DEADLINE_MS);
	while (!is_empty(stage) && !stage->is_late)
		settle(stage);
	assert_true(is_empty(stage));
	assert_int_equal(events_last_id(stage->events), 3);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(who_is_up_to_date_is_told_in_the_next_turn),
	    TEST(a_time_that_is_kept_elsewhere_too_is_told_unless_something_has_happened_since),
	    TEST(who_comes_late_reads_what_was_kept_and_then_what_is_new),
	    TEST(more_than_is_remembered_may_come_in_one_turn),
	    TEST(filters_must_all_fit),
	    TEST(who_is_full_gets_nothing_until_it_asks),
	    TEST(what_goes_while_a_listener_is_full_is_told),
	    TEST(an_id_that_never_was_is_told_like_one_that_is_gone),
	    TEST(listeners_come_and_go_within_a_turn),
	    TEST(too_many_go_a_few_at_a_time),
	    TEST(old_ones_go_without_anything_happening),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
