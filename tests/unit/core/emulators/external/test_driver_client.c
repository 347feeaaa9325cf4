/* The client against a scripted driver at the other end of a socket pair. */

#include "core/emulators/external/driver_client.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { DEADLINE_MS = 5000, REQUESTS = 8 };

struct answer {
	int count;
	int number;
	char code[32], words[300], result[100];
};

struct fixture {
	struct loop *loop;
	struct driver_client *client;
	struct loop_timer *deadline;
	int driver; /* the driver's end */
	struct answer answers[REQUESTS];
	int awaited;
	int events, lost;
	char lost_words[300];
	bool destroy_on_answer, destroy_on_event, destroy_on_lost;
};

struct slot {
	struct fixture *fixture;
	struct answer *answer;
};

static void on_deadline(void *data)
{
	(void) data;
	fail_msg("nothing came within the deadline");
}

static void count_down(struct fixture *fixture)
{
	if (--fixture->awaited == 0)
		loop_stop(fixture->loop);
}

static void drop_client(struct fixture *fixture)
{
	driver_client_destroy(TAKE(fixture->client));
}

static void on_event(const char *name, const json_t *event_data, void *data)
{
	struct fixture *fixture = data;
	(void) event_data;
	assert_non_null(name);
	fixture->events++;
	if (fixture->destroy_on_event)
		drop_client(fixture);
	count_down(fixture);
}

static void on_lost(const struct error *error, void *data)
{
	struct fixture *fixture = data;
	fixture->lost++;
	snprintf(fixture->lost_words, sizeof(fixture->lost_words), "%.299s", error->message);
	if (fixture->destroy_on_lost)
		drop_client(fixture);
	count_down(fixture);
}

static const struct driver_client_events events = {.on_event = on_event, .on_lost = on_lost};

static void on_done(const struct error *error, const json_t *result, void *data)
{
	struct slot slot = *(struct slot *) data;
	free(data);
	slot.answer->count++;
	slot.answer->number = error ? error->number : 0;
	snprintf(slot.answer->code, sizeof(slot.answer->code), "%s", error && error->code ? error->code : "");
	snprintf(slot.answer->words, sizeof(slot.answer->words), "%.299s", error ? error->message : "");
	cleanup_free char *text = result ? json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	snprintf(slot.answer->result, sizeof(slot.answer->result), "%.99s", text ? text : "");
	if (slot.fixture->destroy_on_answer && slot.fixture->client)
		drop_client(slot.fixture);
	count_down(slot.fixture);
}

static struct slot *slot_of(struct fixture *fixture, int index)
{
	struct slot *slot = malloc(sizeof(*slot));
	*slot = (struct slot){fixture, &fixture->answers[index]};
	return slot;
}

static void ask(struct fixture *fixture, int index, uint64_t timeout_ms)
{
	driver_client_request(fixture->client, "reset", NULL, timeout_ms, on_done, slot_of(fixture, index));
}

static void say(struct fixture *fixture, const char *bytes)
{
	assert_int_equal(write(fixture->driver, bytes, strlen(bytes)), strlen(bytes));
}

static void wait_for(struct fixture *fixture, int callbacks)
{
	fixture->awaited = callbacks;
	loop_run(fixture->loop);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fixture->driver = pair[1];
	fixture->loop = loop_create(NULL);
	fixture->client = driver_client_create(fixture->loop, pair[0], "toy", &events, fixture, NULL);
	fixture->deadline = loop_timer_create(fixture->loop, on_deadline, fixture, NULL);
	assert_non_null(fixture->client);
	loop_timer_start(fixture->deadline, DEADLINE_MS);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	driver_client_destroy(fixture->client);
	loop_timer_destroy(fixture->deadline);
	loop_destroy(fixture->loop);
	if (fixture->driver >= 0)
		close(fixture->driver);
	free(fixture);
	return 0;
}

static void assert_answer(const struct fixture *fixture, int index, const char *code, const char *words)
{
	assert_int_equal(fixture->answers[index].count, 1);
	assert_string_equal(fixture->answers[index].code, code);
	assert_string_equal(fixture->answers[index].words, words);
}

static void replies_find_their_requests_in_any_order(void **state)
{
	struct fixture *fixture = *state;
	char bytes[200];
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	assert_string_equal(driver_client_waits_for(fixture->client), "reset");
	ssize_t length = recv(fixture->driver, bytes, sizeof(bytes) - 1, 0);
	bytes[length > 0 ? length : 0] = '\0';
	assert_string_equal(bytes, "{\"id\":1,\"command\":\"reset\"}\n{\"id\":2,\"command\":\"reset\"}\n");
	say(fixture,
	    "{\"id\":2,\"error\":{\"code\":\"invalid_value\",\"message\":\"no\"}}\n{\"id\":1,\"return\":[");
	say(fixture, "1]}\n");
	wait_for(fixture, 2);
	assert_answer(fixture, 0, "", "");
	assert_string_equal(fixture->answers[0].result, "[1]");
	assert_answer(fixture, 1, "invalid_value", "the driver of toy: no");
	assert_null(driver_client_waits_for(fixture->client));
}

static void a_request_has_its_deadline_and_what_comes_late_goes_nowhere(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 10);
	wait_for(fixture, 1);
	assert_answer(fixture, 1, "emulator_timeout",
		      "the driver of toy did not answer \"reset\" within 0.01 s");
	say(fixture,
	    "{\"id\":2,\"return\":2}\n{\"id\":1,\"return\":1}\n{\"id\":1,\"return\":1}\n{\"event\":\"x\"}\n");
	wait_for(fixture, 2);
	assert_string_equal(fixture->answers[0].result, "1");
	assert_int_equal(fixture->answers[0].count, 1);
	assert_int_equal(fixture->lost, 0);
}

static void what_breaks_the_protocol_loses_the_driver(void **state)
{
	static const char *const wrong[][2] = {
	    {"Traceback:\n", "the driver of toy said a line that is not JSON: "},
	    {"{\"id\":9,\"return\":1}\n", "the driver of toy answered the request 9, which was never made"},
	    {"{\"id\":0,\"return\":1}\n", "the driver of toy answered the request 0, which was never made"},
	    {"{\"id\":1}\n", "the driver of toy said something that is neither an event nor a reply"},
	    {"[]\n", "the driver of toy said something that is no JSON object"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		tear_down(state);
		set_up(state);
		struct fixture *fixture = *state;
		ask(fixture, 0, 1000);
		say(fixture, wrong[i][0]);
		wait_for(fixture, 2);
		assert_string_equal(fixture->answers[0].code, "emulator_error");
		assert_memory_equal(fixture->answers[0].words, wrong[i][1], strlen(wrong[i][1]));
		assert_string_equal(fixture->lost_words, fixture->answers[0].words);
		/* Whatever is asked from now on has the same answer, though not from within. */
		ask(fixture, 1, 1000);
		assert_int_equal(fixture->answers[1].count, 0);
		wait_for(fixture, 1);
		assert_string_equal(fixture->answers[1].words, fixture->answers[0].words);
		assert_int_equal(fixture->lost, 1);
	}
}

/* Without waiting: the socket takes what it takes. */
static void pour(struct fixture *fixture, const char *bytes, size_t length)
{
	fcntl(fixture->driver, F_SETFL, O_NONBLOCK);
	while (fixture->lost == 0) {
		ssize_t count = send(fixture->driver, bytes, length, MSG_NOSIGNAL);
		if (count > 0)
			continue;
		fixture->awaited = -1;
		struct loop_deferred *turn =
		    loop_defer(fixture->loop, (void (*)(void *)) loop_stop, fixture->loop, NULL);
		assert_non_null(turn);
		loop_run(fixture->loop);
	}
}

static void a_line_without_end_is_not_kept(void **state)
{
	struct fixture *fixture = *state;
	static char bytes[64 * 1024];
	memset(bytes, ' ', sizeof(bytes));
	pour(fixture, bytes, sizeof(bytes));
	assert_string_equal(fixture->lost_words, "the driver of toy said a line of more than 1048576 bytes");
}

static void a_flood_is_not_listened_to(void **state)
{
	struct fixture *fixture = *state;
	static const char line[] = "{\"event\":\"noise\"}\n";
	pour(fixture, line, sizeof(line) - 1);
	assert_string_equal(fixture->lost_words,
			    "the driver of toy said more than 1000 lines in a second that "
			    "nobody asked for");
	assert_int_equal(fixture->events, DRIVER_UNASKED_LINES_PER_SECOND_MAX);
}

static void many_answers_are_no_flood(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 1; i <= 2 * DRIVER_UNASKED_LINES_PER_SECOND_MAX; i++) {
		char line[64];
		ask(fixture, 0, 1000);
		snprintf(line, sizeof(line), "{\"id\":%d,\"return\":%d}\n", i, i);
		say(fixture, line);
		wait_for(fixture, 1);
		recv(fixture->driver, line, sizeof(line), 0);
	}
	assert_string_equal(fixture->answers[0].result, "2000");
	assert_int_equal(fixture->lost, 0);
}

static void a_driver_that_reads_nothing_is_not_asked_for_ever(void **state)
{
	struct fixture *fixture = *state;
	char *text = malloc(400 * 1024);
	memset(text, 'x', 400 * 1024 - 1);
	text[400 * 1024 - 1] = '\0';
	cleanup_json json_t *arguments = json_pack("{s:s}", "value", text);
	free(text);
	for (int i = 0; i < REQUESTS; i++)
		driver_client_request(fixture->client, "property-set", arguments, 20, on_done,
				      slot_of(fixture, i));
	wait_for(fixture, REQUESTS);
	assert_answer(fixture, 0, "emulator_timeout",
		      "the driver of toy did not answer \"property-set\" within 0.02 s");
	assert_answer(fixture, REQUESTS - 1, "emulator_timeout", "the driver of toy does not read its input");
	assert_int_equal(fixture->lost, 0);
}

static void an_output_that_ends_is_told_when_the_process_does_not_say_more(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	shutdown(fixture->driver, SHUT_WR);
	wait_for(fixture, 2);
	assert_answer(fixture, 0, "emulator_error", "the driver of toy has closed its output");
}

static void the_end_of_the_process_comes_after_its_last_words(void **state)
{
	struct fixture *fixture = *state;
	struct error reason;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	say(fixture, "{\"event\":\"ended\"}\n{\"id\":1,\"return\":1}\n");
	error_set(&reason, -EPIPE, "emulator_error", "the driver of toy has ended (exit code 3)");
	driver_client_end(fixture->client, &reason);
	assert_int_equal(fixture->events, 1);
	assert_answer(fixture, 0, "", "");
	assert_answer(fixture, 1, "emulator_error", "the driver of toy has ended (exit code 3)");
	assert_int_equal(fixture->lost, 1);
	driver_client_end(fixture->client, &reason);
	assert_int_equal(fixture->lost, 1);
}

static void a_refusal_comes_from_the_loop(void **state)
{
	struct fixture *fixture = *state;
	struct error refusal;
	error_set(&refusal, -EOPNOTSUPP, "not_implemented", "cannot");
	driver_client_refuse(fixture->client, &refusal, on_done, slot_of(fixture, 0));
	assert_int_equal(fixture->answers[0].count, 0);
	assert_null(driver_client_waits_for(fixture->client));
	wait_for(fixture, 1);
	assert_answer(fixture, 0, "not_implemented", "cannot");
}

static void it_may_be_destroyed_from_within_each_callback(void **state)
{
	for (int round = 0; round < 4; round++) {
		tear_down(state);
		set_up(state);
		struct fixture *fixture = *state;
		fixture->destroy_on_answer = round == 0;
		fixture->destroy_on_event = round == 1;
		fixture->destroy_on_lost = round >= 2;
		if (round == 0)
			ask(fixture, 0, 1000);
		say(fixture, round == 0   ? "{\"id\":1,\"return\":1}\n{\"event\":\"x\"}\n"
			     : round == 1 ? "{\"event\":\"x\"}\n{\"event\":\"x\"}\n"
					  : "no\n{\"event\":\"x\"}\n");
		if (round == 3) {
			struct error reason;
			error_set(&reason, -EPIPE, "emulator_error", "has ended");
			driver_client_end(fixture->client, &reason);
		} else {
			wait_for(fixture, 1);
		}
		assert_null(fixture->client);
		assert_int_equal(fixture->events, round == 1);
	}
}

static void what_is_under_way_is_cancelled_when_it_is_destroyed(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	drop_client(fixture);
	assert_int_equal(fixture->answers[0].number, -ECANCELED);
	assert_int_equal(fixture->lost, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(replies_find_their_requests_in_any_order),
	    TEST(a_request_has_its_deadline_and_what_comes_late_goes_nowhere),
	    TEST(what_breaks_the_protocol_loses_the_driver),
	    TEST(a_line_without_end_is_not_kept),
	    TEST(a_flood_is_not_listened_to),
	    TEST(many_answers_are_no_flood),
	    TEST(a_driver_that_reads_nothing_is_not_asked_for_ever),
	    TEST(an_output_that_ends_is_told_when_the_process_does_not_say_more),
	    TEST(the_end_of_the_process_comes_after_its_last_words),
	    TEST(a_refusal_comes_from_the_loop),
	    TEST(it_may_be_destroyed_from_within_each_callback),
	    TEST(what_is_under_way_is_cancelled_when_it_is_destroyed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
