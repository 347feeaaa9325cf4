#include "support.h"

#include "core/loop/listener.h"
#include "server/shims/shim_link.h"

#include <sys/socket.h>

struct answers {
	int count;
	int number; /* of the last */
	char code[32], message[64];
	json_int_t value;
	struct fixture *destroys; /* within the callback */
};

struct fixture {
	struct scratch scratch;
	struct loop *loop;
	int listen_fd, shim_fd;
	struct shim_link *link;
	int statuses, ends;
	char state[32];
	bool destroy_on_status, destroy_on_end;
};

static void destroy_link(struct fixture *fixture)
{
	shim_link_destroy(TAKE(fixture->link));
}

static void on_status(const json_t *status, void *data)
{
	struct fixture *fixture = data;
	fixture->statuses++;
	snprintf(fixture->state, sizeof(fixture->state), "%s", json_member_string(status, "state", ""));
	if (fixture->destroy_on_status)
		destroy_link(fixture);
}

static void on_end(void *data)
{
	struct fixture *fixture = data;
	fixture->ends++;
	if (fixture->destroy_on_end)
		destroy_link(fixture);
}

static const struct shim_link_events events = {.on_status = on_status, .on_end = on_end};

static void on_done(const struct error *error, const json_t *body, void *data)
{
	struct answers *answers = data;
	answers->count++;
	answers->number = error ? error->number : 0;
	snprintf(answers->code, sizeof(answers->code), "%s", error ? error_code_or(error, "-") : "");
	snprintf(answers->message, sizeof(answers->message), "%.60s", error ? error->message : "");
	answers->value = json_member_integer(body, "value", -1);
	if (answers->destroys)
		destroy_link(answers->destroys);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;
	scratch_make(&fixture->scratch);
	fixture->loop = loop_create(NULL);
	fixture->listen_fd = listener_open_unix(fixture->scratch.dirfd, "control.sock", &error);
	assert_true(fixture->listen_fd >= 0);
	fixture->link = shim_link_connect(fixture->loop, fixture->scratch.dirfd, &events, fixture, &error);
	assert_non_null(fixture->link);
	fixture->shim_fd = accept4(fixture->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fixture->shim_fd >= 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	destroy_link(fixture);
	close(fixture->listen_fd);
	if (fixture->shim_fd >= 0)
		close(fixture->shim_fd);
	loop_destroy(fixture->loop);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void say(struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->shim_fd, text, strlen(text)), strlen(text));
}

static void hang_up(struct fixture *fixture)
{
	close(fixture->shim_fd);
	fixture->shim_fd = -1;
}

static const char greeting[] = "{\"emud-shim\":{\"version\":\"9\",\"protocol\":7,\"new\":1},"
			       "\"status\":{\"state\":\"running\"},\"more\":[]}\n";

static struct shim_call *ask(struct fixture *fixture, const char *command, struct answers *answers)
{
	struct error error;
	struct shim_call *call =
	    shim_link_request(fixture->link, command, NULL, 5000, on_done, answers, &error);
	assert_non_null(call);
	return call;
}

static bool has_answer(void *data)
{
	return ((struct answers *) data)->count > 0;
}

static bool has_status(void *data)
{
	return ((struct fixture *) data)->statuses > 0;
}

static bool has_ended(void *data)
{
	return ((struct fixture *) data)->ends > 0;
}

static bool never(void *data)
{
	(void) data;
	return false;
}

static void a_newer_shim_is_understood(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, greeting);
	run_loop_until(fixture->loop, has_status, fixture);
	assert_string_equal(fixture->state, "running");
	say(fixture, "{\"event\":\"state\",\"data\":{\"state\":\"paused\",\"unheard\":{}},\"of\":0}\n");
	fixture->statuses = 0;
	run_loop_until(fixture->loop, has_status, fixture);
	assert_string_equal(fixture->state, "paused");
	assert_int_equal(fixture->ends, 0);
}

static void a_request_is_one_line_with_its_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	struct error error;
	cleanup_json json_t *arguments = json_pack("{s:s}", "path", "/machine");
	assert_non_null(
	    shim_link_request(fixture->link, "property-list", arguments, 750, on_done, &answers, &error));
	char text[512];
	ssize_t length = read(fixture->shim_fd, text, sizeof(text));
	assert_true(length > 1 && text[length - 1] == '\n');
	cleanup_json json_t *found = json_parse(text, (size_t) length - 1, NULL);
	cleanup_json json_t *wanted =
	    json_pack("{s:i, s:s, s:{s:s, s:i}}", "id", 1, "command", "property-list", "arguments", "path",
		      "/machine", "timeout_ms", 750);
	assert_true(json_equal(found, wanted));
	assert_int_equal(json_object_size(arguments), 1);
	destroy_link(fixture);
	assert_int_equal(answers.count, 1);
}

static void answers_find_their_call_in_any_order(void **state)
{
	struct fixture *fixture = *state;
	struct answers first = {0}, second = {0}, third = {0};
	ask(fixture, "one", &first);
	ask(fixture, "two", &second);
	ask(fixture, "three", &third);
	say(fixture, greeting);
	say(fixture, "{\"id\":3,\"return\":{\"value\":33}}\n{\"id\":99,\"return\":{}}\n"
		     "{\"id\":1,\"error\":{\"code\":\"channel_busy\",\"detail\":\"in use\",\"value\":5}}\n"
		     "{\"id\":2,\"return\":{\"value\":22}}\n{\"id\":2,\"return\":{\"value\":23}}\n");
	run_loop_until(fixture->loop, has_answer, &second);
	assert_int_equal(first.count, 1);
	assert_string_equal(first.code, "channel_busy");
	assert_string_equal(first.message, "in use");
	assert_int_equal(first.value, 5);
	assert_int_equal(second.count, 1);
	assert_int_equal(second.value, 22);
	assert_int_equal(third.count, 1);
	assert_int_equal(third.value, 33);
}

static void an_unknown_code_is_an_emulator_error(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	ask(fixture, "one", &answers);
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"error\":{\"code\":\"of_tomorrow\"}}\n");
	run_loop_until(fixture->loop, has_answer, &answers);
	assert_string_equal(answers.code, "emulator_error");
	assert_true(answers.number < 0);
	assert_true(answers.message[0]);
}

static void a_cancelled_call_is_not_told(void **state)
{
	struct fixture *fixture = *state;
	struct answers cancelled = {0}, kept = {0};
	shim_call_cancel(ask(fixture, "one", &cancelled));
	ask(fixture, "two", &kept);
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"return\":{}}\n{\"id\":2,\"return\":{}}\n");
	run_loop_until(fixture->loop, has_answer, &kept);
	assert_int_equal(cancelled.count, 0);
}

static void a_sudden_end_completes_every_call_and_tells_once(void **state)
{
	struct fixture *fixture = *state;
	struct answers first = {0}, second = {0};
	ask(fixture, "one", &first);
	ask(fixture, "two", &second);
	say(fixture, greeting);
	hang_up(fixture);
	run_loop_until(fixture->loop, has_ended, fixture);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.number, -EPIPE);
	assert_string_equal(first.code, "not_running");
	assert_int_equal(second.count, 1);
	run_loop(fixture->loop, never, NULL, 20);
	assert_int_equal(fixture->ends, 1);
}

static void a_request_on_a_broken_link_completes(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	hang_up(fixture);
	ask(fixture, "one", &answers);
	run_loop_until(fixture->loop, has_answer, &answers);
	assert_int_equal(answers.count, 1);
	assert_int_equal(answers.number, -EPIPE);
}

static void what_is_no_shim_ends_the_link(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, "HTTP/1.1 200 OK\r\n\r\n");
	run_loop_until(fixture->loop, has_ended, fixture);
	assert_int_equal(fixture->statuses, 0);
}

static void a_greeting_without_a_protocol_ends_the_link(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, "{\"emud-shim\":{},\"status\":{}}\n");
	run_loop_until(fixture->loop, has_ended, fixture);
	assert_int_equal(fixture->statuses, 0);
}

static void messages_of_unknown_kinds_are_passed_over(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	ask(fixture, "one", &answers);
	say(fixture, greeting);
	say(fixture, "{\"telegram\":1}\n\n[1]\n7\n{\"id\":1,\"return\":{}}\n");
	run_loop_until(fixture->loop, has_answer, &answers);
	assert_int_equal(answers.number, 0);
	assert_int_equal(fixture->ends, 0);
}

static void a_message_in_single_bytes_is_whole(void **state)
{
	struct fixture *fixture = *state;
	for (const char *at = greeting; *at; at++) {
		assert_int_equal(write(fixture->shim_fd, at, 1), 1);
		run_loop(fixture->loop, has_status, fixture, 1);
	}
	run_loop_until(fixture->loop, has_status, fixture);
	assert_string_equal(fixture->state, "running");
}

static void a_shim_that_does_not_answer_is_a_timeout(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	struct error error;
	say(fixture, greeting);
	assert_non_null(shim_link_request(fixture->link, "reset", NULL, 1, on_done, &answers, &error));
	run_loop_until(fixture->loop, has_answer, &answers);
	assert_int_equal(answers.number, -ETIMEDOUT);
	assert_string_equal(answers.code, "emulator_timeout");
}

static void the_link_may_go_within_its_status(void **state)
{
	struct fixture *fixture = *state;
	struct answers answers = {0};
	ask(fixture, "one", &answers);
	fixture->destroy_on_status = true;
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"return\":{}}\n");
	run_loop_until(fixture->loop, has_status, fixture);
	assert_null(fixture->link);
	assert_int_equal(answers.number, -EPIPE);
	run_loop(fixture->loop, never, NULL, 20);
	assert_int_equal(fixture->ends, 0);
}

static void the_link_may_go_within_its_end(void **state)
{
	struct fixture *fixture = *state;
	fixture->destroy_on_end = true;
	hang_up(fixture);
	run_loop_until(fixture->loop, has_ended, fixture);
	assert_null(fixture->link);
}

static void the_link_may_go_within_an_answer(void **state)
{
	struct fixture *fixture = *state;
	struct answers first = {.destroys = fixture}, second = {0};
	ask(fixture, "one", &first);
	ask(fixture, "two", &second);
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"return\":{}}\n{\"id\":2,\"return\":{}}\n");
	run_loop_until(fixture->loop, has_answer, &first);
	assert_null(fixture->link);
	assert_int_equal(second.number, -EPIPE);
	assert_int_equal(fixture->ends, 0);
}

static void the_link_may_go_within_a_call_that_its_end_completes(void **state)
{
	struct fixture *fixture = *state;
	struct answers first = {0}, second = {.destroys = fixture}, third = {0};
	ask(fixture, "one", &first);
	ask(fixture, "two", &second);
	ask(fixture, "three", &third);
	hang_up(fixture);
	run_loop_until(fixture->loop, has_answer, &second);
	assert_null(fixture->link);
	run_loop(fixture->loop, never, NULL, 20);
	assert_int_equal(first.count, 1);
	assert_int_equal(third.count, 1);
	assert_int_equal(fixture->ends, 0);
}

static void nobody_there_is_told_apart(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	struct scratch other;
	scratch_make(&other);
	assert_null(shim_link_connect(fixture->loop, other.dirfd, &events, fixture, &error));
	assert_int_equal(error.number, -ENOENT);
	close(listener_open_unix(other.dirfd, "control.sock", &error));
	assert_null(shim_link_connect(fixture->loop, other.dirfd, &events, fixture, &error));
	assert_int_equal(error.number, -ECONNREFUSED);
	scratch_remove(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_newer_shim_is_understood),
	    TEST(a_request_is_one_line_with_its_deadline),
	    TEST(answers_find_their_call_in_any_order),
	    TEST(an_unknown_code_is_an_emulator_error),
	    TEST(a_cancelled_call_is_not_told),
	    TEST(a_sudden_end_completes_every_call_and_tells_once),
	    TEST(a_request_on_a_broken_link_completes),
	    TEST(what_is_no_shim_ends_the_link),
	    TEST(a_greeting_without_a_protocol_ends_the_link),
	    TEST(messages_of_unknown_kinds_are_passed_over),
	    TEST(a_message_in_single_bytes_is_whole),
	    TEST(a_shim_that_does_not_answer_is_a_timeout),
	    TEST(the_link_may_go_within_its_status),
	    TEST(the_link_may_go_within_its_end),
	    TEST(the_link_may_go_within_an_answer),
	    TEST(the_link_may_go_within_a_call_that_its_end_completes),
	    TEST(nobody_there_is_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
