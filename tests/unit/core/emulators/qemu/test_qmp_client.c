/* The client against a scripted monitor at the other end of a socket pair. */

#include "core/emulators/qemu/qmp_client.h"

#include "core/base/cleanup.h"
#include "core/loop/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { DEADLINE_MS = 5000, REQUESTS = 8 };

struct answer {
	int count;
	int number;
	char code[32];
	char words[200];
	char refusal[200]; /* QEMU's description */
};

struct fixture {
	struct loop *loop;
	struct qmp_client *client;
	struct loop_timer *deadline;
	int monitor; /* QEMU's end */
	struct answer answers[REQUESTS];
	int completed, awaited;
	int events, lost, lost_number;
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

static void drop_client(struct fixture *fixture)
{
	qmp_client_destroy(TAKE(fixture->client));
}

static void count_down(struct fixture *fixture)
{
	if (--fixture->awaited == 0)
		loop_stop(fixture->loop);
}

static void on_event(const char *name, const json_t *event_data, void *data)
{
	struct fixture *fixture = data;
	assert_non_null(name);
	(void) event_data;
	fixture->events++;
	if (fixture->destroy_on_event)
		drop_client(fixture);
	count_down(fixture);
}

static void on_lost(const struct error *error, void *data)
{
	struct fixture *fixture = data;
	fixture->lost++;
	fixture->lost_number = error->number;
	if (fixture->destroy_on_lost)
		drop_client(fixture);
	count_down(fixture);
}

static const struct qmp_client_events events = {.on_event = on_event, .on_lost = on_lost};

static void on_done(const struct error *error, const struct qmp_message *reply, void *data)
{
	struct slot *slot = data;
	struct fixture *fixture = slot->fixture;
	struct answer *answer = slot->answer;
	free(slot);
	answer->count++;
	answer->number = error ? error->number : 0;
	snprintf(answer->code, sizeof(answer->code), "%s", error && error->code ? error->code : "");
	snprintf(answer->words, sizeof(answer->words), "%.199s", error ? error->message : "");
	snprintf(answer->refusal, sizeof(answer->refusal), "%s", reply ? reply->description : "");
	fixture->completed++;
	if (fixture->destroy_on_answer && fixture->client)
		drop_client(fixture);
	count_down(fixture);
}

static void ask(struct fixture *fixture, int index, uint64_t timeout_ms)
{
	struct slot *slot = malloc(sizeof(*slot));
	*slot = (struct slot){fixture, &fixture->answers[index]};
	struct qmp_call call = {.command = "query-status", .timeout_ms = timeout_ms};
	qmp_client_request(fixture->client, &call, on_done, slot);
}

static void say(struct fixture *fixture, const char *bytes)
{
	assert_int_equal(write(fixture->monitor, bytes, strlen(bytes)), strlen(bytes));
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
	fixture->monitor = pair[1];
	fixture->loop = loop_create(NULL);
	fixture->client = qmp_client_create(fixture->loop, pair[0], &events, fixture, NULL);
	fixture->deadline = loop_timer_create(fixture->loop, on_deadline, fixture, NULL);
	assert_non_null(fixture->client);
	loop_timer_start(fixture->deadline, DEADLINE_MS);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	qmp_client_destroy(fixture->client);
	loop_timer_destroy(fixture->deadline);
	loop_destroy(fixture->loop);
	if (fixture->monitor >= 0)
		close(fixture->monitor);
	free(fixture);
	return 0;
}

static void sends_requests_with_ids(void **state)
{
	struct fixture *fixture = *state;
	char bytes[200];
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	ssize_t length = recv(fixture->monitor, bytes, sizeof(bytes) - 1, 0);
	assert_true(length > 0);
	bytes[length] = '\0';
	assert_string_equal(bytes, "{\"id\":1,\"execute\":\"query-status\"}\n"
				   "{\"id\":2,\"execute\":\"query-status\"}\n");
}

static void matches_replies_by_id(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	say(fixture, "{\"QMP\":{}}\n{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"},\"id\":2}\n"
		     "{\"return\":{},\"id\":77}\n{\"return\":{},\"id\":1}\n{\"return\":{},\"id\":1}\n");
	wait_for(fixture, 2);
	assert_int_equal(fixture->answers[0].count, 1);
	assert_int_equal(fixture->answers[0].number, 0);
	assert_int_equal(fixture->answers[1].count, 1);
	assert_string_equal(fixture->answers[1].code, "emulator_error");
	assert_string_equal(fixture->answers[1].words, "no");
	assert_string_equal(fixture->answers[1].refusal, "no");
}

static void gives_each_request_its_deadline(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 10);
	wait_for(fixture, 1);
	assert_int_equal(fixture->answers[1].number, -ETIMEDOUT);
	assert_string_equal(fixture->answers[1].code, "emulator_timeout");
	assert_string_equal(fixture->answers[1].words, "QEMU did not answer within 0.01 s");
	/* The answer that is late goes nowhere, the next to its own. */
	say(fixture, "{\"return\":{},\"id\":2}\n{\"return\":{},\"id\":1}\n");
	wait_for(fixture, 1);
	assert_int_equal(fixture->answers[0].number, 0);
	assert_int_equal(fixture->completed, 2);
}

static void tells_events(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, "{\"event\":\"STOP\"}\n{\"event\":\"RES");
	wait_for(fixture, 1);
	say(fixture, "UME\"}\n");
	wait_for(fixture, 1);
	assert_int_equal(fixture->events, 2);
}

static void takes_an_unreadable_line_as_the_oldest_answer(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	say(fixture, "{\"return\":\n{\"return\":{},\"id\":2}\n");
	wait_for(fixture, 2);
	assert_string_equal(fixture->answers[0].code, "emulator_error");
	assert_int_equal(fixture->answers[1].number, 0);
}

static void completes_everything_when_the_connection_ends(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	say(fixture, "{\"return\":{},\"id\":1}\n");
	shutdown(fixture->monitor, SHUT_WR);
	wait_for(fixture, 3);
	assert_int_equal(fixture->answers[0].number, 0);
	assert_string_equal(fixture->answers[1].code, "not_running");
	assert_int_equal(fixture->lost, 1);
	/* What is asked afterwards is answered, too, but not from within. */
	ask(fixture, 2, 1000);
	assert_int_equal(fixture->answers[2].count, 0);
	wait_for(fixture, 1);
	assert_string_equal(fixture->answers[2].code, "not_running");
	assert_int_equal(fixture->lost, 1);
}

static void on_writer_data(const char *bytes, size_t length, void *data)
{
	(void) bytes, (void) length, (void) data;
}

static void on_writer_end(int number, void *data)
{
	(void) number, (void) data;
}

static const struct stream_events writer_events = {.on_data = on_writer_data, .on_end = on_writer_end};

static void ends_at_a_line_without_end(void **state)
{
	struct fixture *fixture = *state;
	static char bytes[17 << 20];
	memset(bytes, ' ', sizeof(bytes));
	ask(fixture, 0, 1000);
	struct stream *writer =
	    stream_create(fixture->loop, TAKE_FD(fixture->monitor), &writer_events, fixture, NULL);
	assert_int_equal(stream_write(writer, bytes, sizeof(bytes)), 0);
	wait_for(fixture, 2);
	assert_int_equal(fixture->lost_number, -EMSGSIZE);
	assert_string_equal(fixture->answers[0].code, "not_running");
	stream_destroy(writer);
}

static void cancels_what_is_under_way_on_destroy(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	drop_client(fixture);
	assert_int_equal(fixture->answers[0].number, -ECANCELED);
	assert_int_equal(fixture->answers[1].number, -ECANCELED);
	assert_int_equal(fixture->completed, 2);
	assert_int_equal(fixture->lost, 0);
}

static void may_be_destroyed_from_an_answer(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroy_on_answer = true;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	say(fixture, "{\"return\":{},\"id\":1}\n{\"return\":{},\"id\":2}\n{\"event\":\"STOP\"}\n");
	wait_for(fixture, 2);
	assert_int_equal(fixture->answers[0].number, 0);
	assert_int_equal(fixture->answers[1].number, -ECANCELED);
	assert_int_equal(fixture->events, 0);
}

static void may_be_destroyed_from_an_event(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroy_on_event = true;
	say(fixture, "{\"event\":\"STOP\"}\n{\"event\":\"STOP\"}\n");
	wait_for(fixture, 1);
	assert_int_equal(fixture->events, 1);
}

static void may_be_destroyed_while_the_connection_ends(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroy_on_answer = true;
	ask(fixture, 0, 1000);
	ask(fixture, 1, 1000);
	shutdown(fixture->monitor, SHUT_WR);
	wait_for(fixture, 2);
	assert_int_equal(fixture->completed, 2);
	assert_int_equal(fixture->lost, 0);
}

static void may_be_destroyed_when_lost(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroy_on_lost = true;
	shutdown(fixture->monitor, SHUT_WR);
	wait_for(fixture, 1);
	assert_int_equal(fixture->lost, 1);
}

/* QEMU ends with a request unread: that resets the connection while its last words still lie in it. */
static void hears_the_last_words_of_a_reset_connection(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 100 * 1000);
	say(fixture, "{\"event\":\"RESUME\"}\n");
	close(TAKE_FD(fixture->monitor));
	wait_for(fixture, 3);
	assert_int_equal(fixture->events, 1);
	assert_string_equal(fixture->answers[0].code, "not_running");
	assert_int_equal(fixture->lost, 1);
}

static void drains_the_last_events(void **state)
{
	struct fixture *fixture = *state;
	ask(fixture, 0, 1000);
	say(fixture, "{\"event\":\"RESUME\"}\n{\"event\":\"SHUTDOWN\"}\n{\"return\":{},\"id\":1}\n");
	close(TAKE_FD(fixture->monitor));
	fixture->awaited = 100;
	qmp_client_drain(fixture->client);
	assert_int_equal(fixture->events, 2);
	assert_int_equal(fixture->completed, 0);
	wait_for(fixture, 2);
	assert_int_equal(fixture->events, 2);
	assert_int_equal(fixture->completed, 1);
	assert_int_equal(fixture->lost, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sends_requests_with_ids),
	    TEST(matches_replies_by_id),
	    TEST(gives_each_request_its_deadline),
	    TEST(tells_events),
	    TEST(takes_an_unreadable_line_as_the_oldest_answer),
	    TEST(completes_everything_when_the_connection_ends),
	    TEST(ends_at_a_line_without_end),
	    TEST(cancels_what_is_under_way_on_destroy),
	    TEST(may_be_destroyed_from_an_answer),
	    TEST(may_be_destroyed_from_an_event),
	    TEST(may_be_destroyed_while_the_connection_ends),
	    TEST(may_be_destroyed_when_lost),
	    TEST(hears_the_last_words_of_a_reset_connection),
	    TEST(drains_the_last_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
