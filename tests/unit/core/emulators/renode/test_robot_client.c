/* The robot client against a robot port that follows a script. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buffer.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/emulators/renode/robot_client.h"
#include "core/loop/listener.h"
#include "core/loop/stream.h"

#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 10000 };

#define BODY(members) \
	"<?xml version=\"1.0\"?>\n<methodResponse>\n<params>\n<param>\n<value>\n<struct>\n" members \
	"</struct>\n</value>\n</param>\n</params>\n</methodResponse>\n"
#define MEMBER(name, text) \
	"<member>\n<name>" name "</name>\n<value>\n<string>" text "</string>\n</value>\n</member>\n"
#define PASS(text) BODY(MEMBER("return", text) MEMBER("status", "PASS"))
#define FAIL(words) BODY(MEMBER("status", "FAIL") MEMBER("error", words))

struct fixture {
	struct loop *loop;
	struct network *network;
	struct robot_client *client;
	struct listener *listener;
	struct stream *stream; /* of the connection that is served */
	uint16_t port;
	struct buffer request;
	const char *const *script; /* what is answered, one a connection; NULL ends it */
	size_t at;
	size_t piece;      /* an answer's bytes come in pieces of that size */
	char told[8][256]; /* what was told, "ok TEXT" or "CODE MESSAGE" */
	size_t told_count, wanted;
};

/* ---- the port ---- */

static void on_data(const char *bytes, size_t length, void *data)
{
	struct fixture *fixture = data;
	assert_int_equal(buffer_append(&fixture->request, bytes, length), 0);
	if (!strstr(fixture->request.data, "</methodCall>"))
		return;
	assert_ptr_equal(strstr(fixture->request.data, "POST / HTTP/1.1\r\n"), fixture->request.data);
	const char *answer = fixture->script[fixture->at];
	if (!answer)
		return;
	fixture->at++;
	buffer_clear(&fixture->request);
	for (size_t at = 0, rest = strlen(answer); rest > 0;) {
		size_t piece = rest < fixture->piece ? rest : fixture->piece;
		stream_write(fixture->stream, answer + at, piece);
		at += piece;
		rest -= piece;
	}
	stream_finish_writing(fixture->stream);
}

static void on_end(int number, void *data)
{
	(void) number;
	struct fixture *fixture = data;
	stream_destroy(fixture->stream);
	fixture->stream = NULL;
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

static void on_connection(int fd, void *data)
{
	struct fixture *fixture = data;
	stream_destroy(fixture->stream);
	buffer_clear(&fixture->request);
	fixture->stream = stream_create(fixture->loop, fd, &stream_events, fixture, NULL);
	assert_non_null(fixture->stream);
}

/* ---- asking ---- */

static void on_told(const struct error *error, const char *text, void *data)
{
	struct fixture *fixture = data;
	snprintf(fixture->told[fixture->told_count++], sizeof(fixture->told[0]), "%s %.200s",
		 error ? error->code : "ok", error ? error->message : text);
	if (fixture->told_count == fixture->wanted)
		loop_stop(fixture->loop);
}

static void on_timeout(void *data)
{
	(void) data;
	fail_msg("nothing was told in time");
}

static void run_until_told(struct fixture *fixture, size_t count)
{
	struct loop_timer *timer = loop_timer_create(fixture->loop, on_timeout, NULL, NULL);
	fixture->wanted = count;
	loop_timer_start(timer, DEADLINE_MS);
	loop_run(fixture->loop);
	loop_timer_destroy(timer);
}

static void expect_answer(struct fixture *fixture, const char *answer, const char *expected)
{
	const char *const script[] = {answer, NULL};
	static const size_t pieces[] = {1, 7, 65536};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		fixture->script = script;
		fixture->at = fixture->told_count = 0;
		fixture->piece = pieces[i];
		robot_client_execute(fixture->client, "sysbus.usart1 BaudRate", DEADLINE_MS, on_told,
				     fixture);
		run_until_told(fixture, 1);
		if (!text_starts_with(fixture->told[0], expected))
			fail_msg("told \"%s\", not \"%s\"", fixture->told[0], expected);
	}
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	setenv("EMUD_NO_NAMESPACES", "1", 1);
	fixture->piece = 65536;
	fixture->loop = loop_create(NULL);
	fixture->network = network_create(NULL);
	fixture->client = robot_client_create(fixture->loop, fixture->network, NULL);
	int fd = listener_open_tcp("127.0.0.1", 0, &fixture->port, NULL);
	fixture->listener = listener_create(fixture->loop, fd, on_connection, fixture, NULL);
	robot_client_set_port(fixture->client, fixture->port);
	*state = fixture;
	return fixture->client && fixture->listener ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	robot_client_destroy(fixture->client);
	stream_destroy(fixture->stream);
	listener_destroy(fixture->listener);
	network_destroy(fixture->network);
	loop_destroy(fixture->loop);
	buffer_finish(&fixture->request);
	free(fixture);
	return 0;
}

/* ---- the tests ---- */

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void an_answer_is_read_however_it_is_framed(void **state)
{
	static const char body[] = PASS("0x0000E0D1\r\r\n");
	char counted[1024], chunked[1024];
	snprintf(counted, sizeof(counted),
		 "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
		 body);
	snprintf(chunked, sizeof(chunked), CHUNKED "%zx\r\n%s\r\n0\r\n\r\n", strlen(body), body);
	expect_answer(*state, counted, "ok 0x0000E0D1");
	expect_answer(*state, chunked, "ok 0x0000E0D1");
	expect_answer(*state, "HTTP/1.0 200 OK\r\n\r\n" PASS("0x0000E0D1\r\r\n"), "ok 0x0000E0D1");
}

static void a_refusal_is_told_in_renodes_words(void **state)
{
	expect_answer(
	    *state,
	    "HTTP/1.0 200 OK\r\n\r\n" FAIL("KeywordException: Could not execute command 'nosuch': No such "
					   "command or device: nosuch\n"),
	    "emulator_error Could not execute command 'nosuch': No such command or device: nosuch");
}

static void what_is_no_answer_is_an_error(void **state)
{
	expect_answer(*state, "HTTP/1.0 500 Oops\r\n\r\n",
		      "emulator_error the robot port answers HTTP status 500");
	expect_answer(*state, "220 smtp.example ESMTP\r\n",
		      "emulator_error the robot port's answer is no HTTP");
	expect_answer(*state, "HTTP/1.0 200 OK\r\n\r\nhello", "emulator_error this is no XML-RPC response");
	expect_answer(*state, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<?xml", "emulator_error");
}

static void requests_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	static const char *const script[] = {"HTTP/1.0 200 OK\r\n\r\n" PASS("one"),
					     "HTTP/1.0 200 OK\r\n\r\n" PASS("two"),
					     "HTTP/1.0 200 OK\r\n\r\n" PASS("three"), NULL};
	fixture->script = script;
	for (int i = 0; i < 3; i++)
		robot_client_execute(fixture->client, "x", DEADLINE_MS, on_told, fixture);
	run_until_told(fixture, 3);
	assert_string_equal(fixture->told[0], "ok one");
	assert_string_equal(fixture->told[1], "ok two");
	assert_string_equal(fixture->told[2], "ok three");
}

static void a_port_that_nobody_has_is_told_at_once(void **state)
{
	struct fixture *fixture = *state;
	listener_destroy(fixture->listener);
	fixture->listener = NULL;
	robot_client_execute(fixture->client, "x", DEADLINE_MS, on_told, fixture);
	run_until_told(fixture, 1);
	assert_true(text_starts_with(fixture->told[0], "not_running "));
}

static void a_request_that_is_not_answered_ends_and_the_next_is_served(void **state)
{
	struct fixture *fixture = *state;
	static const char *const silence[] = {NULL};
	static const char *const script[] = {"HTTP/1.0 200 OK\r\n\r\n" PASS("late"), NULL};
	fixture->script = silence;
	robot_client_execute(fixture->client, "x", 50, on_told, fixture);
	run_until_told(fixture, 1);
	assert_string_equal(fixture->told[0], "emulator_timeout Renode did not answer within 0.05 s");
	fixture->script = script;
	robot_client_execute(fixture->client, "x", DEADLINE_MS, on_told, fixture);
	run_until_told(fixture, 2);
	assert_string_equal(fixture->told[1], "ok late");
}

static void a_client_that_goes_completes_what_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	static const char *const silence[] = {NULL};
	fixture->script = silence;
	robot_client_execute(fixture->client, "x", 100000, on_told, fixture);
	robot_client_execute(fixture->client, "y", 50, on_told, fixture);
	run_until_told(fixture, 1);
	assert_true(text_starts_with(fixture->told[0], "emulator_timeout "));
	robot_client_destroy(fixture->client);
	fixture->client = NULL;
	assert_int_equal(fixture->told_count, 2);
	assert_true(text_starts_with(fixture->told[1], "not_running "));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_answer_is_read_however_it_is_framed),
	    TEST(a_refusal_is_told_in_renodes_words),
	    TEST(what_is_no_answer_is_an_error),
	    TEST(requests_follow_each_other),
	    TEST(a_port_that_nobody_has_is_told_at_once),
	    TEST(a_request_that_is_not_answered_ends_and_the_next_is_served),
	    TEST(a_client_that_goes_completes_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
