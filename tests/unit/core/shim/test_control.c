#include "client.h"

#include "core/loop/listener.h"
#include "core/shim/protocol.h"

static void who_connects_is_greeted_with_the_status(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, "{'start_number':3}");
	struct client *client = client_connect(control);
	cleanup_json json_t *greeting = client_next(client);
	const json_t *hello = json_object_get(greeting, "emud-shim");
	assert_string_equal(json_member_string(hello, "version", ""), EMUD_VERSION);
	assert_int_equal(json_member_integer(hello, "protocol", 0), SHIM_PROTOCOL);
	cleanup_json json_t *status = instance_status(control->fixture->instance);
	assert_true(json_equal(json_object_get(greeting, "status"), status));
	assert_int_equal(json_member_integer(status, "start_number", 0), 3);
}

static void requests_are_answered_by_their_ids(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, NULL);
	struct client *client = client_open(control);
	client_say(client, "{'id':7,'command':'status'}");
	client_expect_status(client, 7, "running");
	client_say(client, "{'id':-1,'command':'status','arguments':{},'unknown':[1]}");
	client_expect_status(client, -1, "running");
}

static void requests_may_come_in_one_piece_or_in_many(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, NULL);
	struct client *client = client_open(control);
	static const char both[] = "{\"id\":1,\"command\":\"status\"}\n\n{\"id\":2,\"command\":\"status\"}\n";
	client_send(client, both, strlen(both));
	client_expect_status(client, 1, "running");
	client_expect_status(client, 2, "running");
	static const char single[] = "{\"id\":3,\"command\":\"status\"}\n";
	for (const char *at = single; *at; at++)
		client_send(client, at, 1);
	client_expect_status(client, 3, "running");
}

static void answers_come_when_they_are_there_in_whatever_order(void **state)
{
	struct control_fixture *control = *state;
	fake.answers = false;
	control_run(control, NULL);
	struct client *client = client_open(control);
	client_say(client, "{'id':1,'command':'reset'}");
	client_say(client, "{'id':2,'command':'status'}");
	client_expect_status(client, 2, "running");
	instance_stop(control->fixture->instance);
	client_expect_error(client, 1, "not_running", "the fake is no longer there");
}

static void a_bad_line_is_told_and_the_next_one_is_served(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, NULL);
	struct client *client = client_open(control);
	static const struct {
		const char *line;
		json_int_t id;
		const char *code, *detail;
	} lines[] = {
	    {"nonsense\n", 0, "invalid_json", ""},
	    {"{\"id\":1,\n", 0, "invalid_json", ""},
	    {"\"id\"\n", 0, "bad_request", "a request needs an integer id"},
	    {"[]\n", 0, "bad_request", "a request needs an integer id"},
	    {"{}\n", 0, "bad_request", "a request needs an integer id"},
	    {"{\"command\":\"status\"}\n", 0, "bad_request", "a request needs an integer id"},
	    {"{\"id\":\"1\",\"command\":\"status\"}\n", 0, "bad_request", "a request needs an integer id"},
	    {"{\"id\":1.5,\"command\":\"status\"}\n", 0, "bad_request", "a request needs an integer id"},
	    {"{\"id\":4}\n", 4, "bad_request", "a request needs a command"},
	    {"{\"id\":5,\"command\":1}\n", 5, "bad_request", "a request needs a command"},
	    {"{\"id\":6,\"command\":\"status\",\"arguments\":[]}\n", 6, "bad_request",
	     "arguments must be an object"},
	    {"{\"id\":7,\"command\":\"explode\"}\n", 7, "bad_request",
	     "explode is not a command of this shim"},
	    {"{\"id\":8,\"command\":\"\"}\n", 8, "bad_request", " is not a command of this shim"},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		client_send(client, lines[i].line, strlen(lines[i].line));
		client_expect_error(client, lines[i].id, lines[i].code, lines[i].detail);
	}
	client_say(client, "{'id':9,'command':'status'}");
	client_expect_status(client, 9, "running");
	expect_calls("");
}

static void a_line_beyond_all_measure_ends_its_connection_alone(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, NULL);
	struct client *client = client_open(control), *other = client_open(control);
	enum { PIECE = 1 << 20 };
	cleanup_free char *piece = malloc(PIECE);
	memset(piece, 'x', PIECE);
	for (size_t sent = 0; sent <= SHIM_LINE_BYTES_MAX; sent += PIECE)
		client_send(client, piece, PIECE);
	client_expect_end(client);
	client_say(other, "{'id':1,'command':'status'}");
	client_expect_status(other, 1, "running");
}

static json_t *next_event(struct client *client)
{
	cleanup_json json_t *json = client_next(client);
	assert_string_equal(json_member_string(json, "event", ""), "state");
	return json_incref(json_object_get(json, "data"));
}

static void every_client_is_told_of_every_change(void **state)
{
	struct control_fixture *control = *state;
	control_run(control, NULL);
	struct client *clients[] = {client_open(control), client_open(control), client_open(control)};
	fake_paused();
	fake_running();
	for (size_t i = 0; i < 3; i++) {
		cleanup_json json_t *paused = next_event(clients[i]);
		cleanup_json json_t *running = next_event(clients[i]);
		assert_string_equal(json_member_string(paused, "state", ""), "paused");
		assert_string_equal(json_member_string(paused, "paused_by", ""), "user");
		assert_string_equal(json_member_string(running, "state", ""), "running");
	}
	client_say(clients[1], "{'id':1,'command':'status'}");
	client_expect_status(clients[1], 1, "running");
	fake_paused();
	/* What follows for the others is the event: the answer was not theirs. */
	json_decref(next_event(clients[0]));
	json_decref(next_event(clients[2]));
}

static void a_client_that_hangs_up_is_forgotten_with_what_it_asked(void **state)
{
	struct control_fixture *control = *state;
	fake.answers = false;
	control_run(control, NULL);
	struct client *client = client_open(control), *other = client_open(control);
	client_say(client, "{'id':1,'command':'reset'}");
	client_say(client, "{'id':2,'command':'property-get'}");
	client_send(client, "{\"id\":3,\"comm", 13);
	client_say(other, "{'id':1,'command':'status'}");
	client_expect_status(other, 1, "running");
	client_close(client);
	fake_paused();
	client_say(other, "{'id':2,'command':'status'}");
	client_expect_status(other, 2, "paused");
	expect_calls("reset:10000 get:::10000");
	/* Its calls complete now. */
	end_instance(control->fixture);
}

enum { WORD = 120000, FLOOD = 24 << 20 };

/* An instance whose every status is long. */
static void run_wordy(struct control_fixture *control)
{
	static char word[WORD + 1];
	static const char *const argv[] = {"sh", "-c", "exec sleep 1000", word, NULL};
	memset(word, 'x', WORD);
	fake.argv = argv;
	control_run(control, NULL);
}

static void a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(void **state)
{
	struct control_fixture *control = *state;
	run_wordy(control);
	struct client *slow = client_open(control), *reader = client_open(control);
	for (size_t sent = 0; sent < FLOOD; sent += WORD) {
		control_publish(control->control);
		json_decref(next_event(reader));
	}
	client_say(reader, "{'id':1,'command':'status'}");
	client_expect_status(reader, 1, "running");
	client_expect_end(slow);
}

struct quiet {
	int told;
};

static void note_quiet(void *data)
{
	((struct quiet *) data)->told++;
}

static bool is_quiet(void *data)
{
	return ((struct quiet *) data)->told > 0;
}

static void the_end_is_quiet_when_everybody_has_it(void **state)
{
	struct control_fixture *control = *state;
	struct quiet quiet = {0};
	control_run(control, NULL);
	struct client *client = client_open(control);
	end_instance(control->fixture);
	control_finish(control->control, note_quiet, &quiet);
	assert_int_equal(quiet.told, 1);
	static const char *const states[] = {"stopping", "exited"};
	for (size_t i = 0; i < 2; i++) {
		cleanup_json json_t *status = next_event(client);
		assert_string_equal(json_member_string(status, "state", ""), states[i]);
	}
}

static void whoever_comes_after_the_end_is_refused(void **state)
{
	struct control_fixture *control = *state;
	struct quiet quiet = {0};
	control_run(control, NULL);
	control_finish(control->control, note_quiet, &quiet);
	assert_int_equal(listener_connect_unix(control->fixture->scratch.dirfd, "control.sock", NULL),
			 -ECONNREFUSED);
}

static void the_end_is_quiet_in_time_though_one_does_not_read(void **state)
{
	struct control_fixture *control = *state;
	struct quiet quiet = {0};
	run_wordy(control);
	client_open(control);
	for (int i = 0; i < 20; i++)
		control_publish(control->control);
	control_finish(control->control, note_quiet, &quiet);
	assert_int_equal(quiet.told, 0);
	wait_until(control->fixture, is_quiet, &quiet);
	assert_int_equal(quiet.told, 1);
}

static void the_end_is_quiet_when_the_last_who_had_not_read_hangs_up(void **state)
{
	struct control_fixture *control = *state;
	struct quiet quiet = {0};
	run_wordy(control);
	struct client *client = client_open(control);
	for (int i = 0; i < 20; i++)
		control_publish(control->control);
	control_finish(control->control, note_quiet, &quiet);
	assert_int_equal(quiet.told, 0);
	client_close(client);
	assert_true(wait_ms(control->fixture, is_quiet, &quiet, CONTROL_QUIET_MS / 2));
}

static void a_control_that_goes_closes_its_connections(void **state)
{
	struct control_fixture *control = *state;
	fake.answers = false;
	control_run(control, NULL);
	struct client *client = client_open(control);
	client_say(client, "{'id':1,'command':'reset'}");
	client_say(client, "{'id':2,'command':'status'}");
	client_expect_status(client, 2, "running");
	control_destroy(TAKE(control->control));
	client_expect_end(client);
	control_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONTROL_TEST(who_connects_is_greeted_with_the_status),
	    CONTROL_TEST(requests_are_answered_by_their_ids),
	    CONTROL_TEST(requests_may_come_in_one_piece_or_in_many),
	    CONTROL_TEST(answers_come_when_they_are_there_in_whatever_order),
	    CONTROL_TEST(a_bad_line_is_told_and_the_next_one_is_served),
	    CONTROL_TEST(a_line_beyond_all_measure_ends_its_connection_alone),
	    CONTROL_TEST(every_client_is_told_of_every_change),
	    CONTROL_TEST(a_client_that_hangs_up_is_forgotten_with_what_it_asked),
	    CONTROL_TEST(a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it),
	    CONTROL_TEST(the_end_is_quiet_when_everybody_has_it),
	    CONTROL_TEST(whoever_comes_after_the_end_is_refused),
	    CONTROL_TEST(the_end_is_quiet_in_time_though_one_does_not_read),
	    CONTROL_TEST(the_end_is_quiet_when_the_last_who_had_not_read_hangs_up),
	    CONTROL_TEST(a_control_that_goes_closes_its_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
