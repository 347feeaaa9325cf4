/* An adopted QEMU, whose QMP the test plays: one connection a call, one after the other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/json_lines.h"
#include "core/base/text.h"
#include "core/emulators/connector.h"
#include "core/emulators/registry.h"
#include "core/loop/stream.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum { DEADLINE_MS = 20000, CONNECTIONS_MAX = 8 };

struct world;

/* QEMU's end of one connection. */
struct peer {
	struct world *world;
	struct stream *stream;
	struct json_lines lines;
};

struct world {
	struct loop *loop;
	struct loop_timer *deadline;
	json_t *settings;
	const struct emulator *emulator;
	struct launcher *launcher;
	struct peer peers[CONNECTIONS_MAX];
	int connected, closed;
	bool silent, runs, refuses_connections, negotiated_before;
	char asked[1024]; /* "1:qmp_capabilities 1:query-status " */
	int adopted, paused_at_adoption, paused, running;
	char words[256];
	int answers, failures;
	char codes[256];
	char values[256];
};

/* ---- QEMU ---- */

static void answer(struct peer *peer, const json_t *request)
{
	struct world *world = peer->world;
	const char *command = json_member_string(request, "execute", "");
	cleanup_json json_t *reply = json_object();
	size_t used = strlen(world->asked);
	snprintf(world->asked + used, sizeof(world->asked) - used, "%d:%s ", (int) (peer - world->peers) + 1,
		 command);
	json_object_set(reply, "id", json_object_get(request, "id"));
	if (world->negotiated_before && strcmp(command, "qmp_capabilities") == 0)
		json_object_set_new(
		    reply, "error",
		    json_pack("{s:s, s:s}", "class", "CommandNotFound", "desc", "done already"));
	else if (strcmp(command, "query-status") == 0)
		json_object_set_new(reply, "return", json_pack("{s:b}", "running", world->runs));
	else if (strcmp(command, "qom-get") == 0)
		json_object_set(reply, "return",
				json_object_get(json_object_get(request, "arguments"), "property"));
	else
		json_object_set_new(reply, "return", json_object());
	cleanup_buffer struct buffer line = {0};
	if (strcmp(command, "stop") == 0)
		buffer_append_text(&line, "{\"event\":\"STOP\",\"data\":{}}\n");
	json_lines_append(&line, reply);
	stream_write(peer->stream, line.data, line.length);
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct peer *peer = data;
	struct error error = {0};
	assert_int_equal(json_lines_feed(&peer->lines, bytes, length, NULL), 0);
	for (json_t *request; (request = json_lines_next(&peer->lines, &error));) {
		if (!peer->world->silent)
			answer(peer, request);
		json_decref(request);
	}
}

static void on_end(int number, void *data)
{
	(void) number;
	struct peer *peer = data;
	stream_destroy(TAKE(peer->stream));
}

static const struct stream_events peer_events = {.on_data = on_data, .on_end = on_end};

static void expect_all_closed(const struct world *world)
{
	for (int i = 0; i < world->connected; i++) {
		struct pollfd end = {.fd = world->peers[i].stream ? stream_fd(world->peers[i].stream) : -1};
		assert_true(end.fd < 0 || (poll(&end, 1, 0) == 1 && end.revents & POLLHUP));
	}
}

static int connect_qmp(const char *channel, void *data, struct error *error)
{
	static const char greeting[] = "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n";
	struct world *world = data;
	int ends[2];
	assert_string_equal(channel, "qmp");
	if (world->refuses_connections)
		return error_set(error, -ECONNREFUSED, "emulator_unavailable", "nobody is there");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	expect_all_closed(world); /* it serves one at a time */
	struct peer *peer = &world->peers[world->connected++];
	peer->world = world;
	json_lines_init(&peer->lines, 10000);
	peer->stream = stream_create(world->loop, ends[1], &peer_events, peer, error);
	assert_non_null(peer->stream);
	if (!world->silent)
		stream_write(peer->stream, greeting, strlen(greeting));
	return ends[0];
}

static void on_closed(const char *channel, void *data)
{
	struct world *world = data;
	assert_string_equal(channel, "qmp");
	world->closed++;
}

/* ---- what is told ---- */

static void on_adopted(const struct error *error, bool paused, void *data)
{
	struct world *world = data;
	world->adopted++;
	world->paused_at_adoption = paused;
	if (error)
		snprintf(world->words, sizeof(world->words), "%.200s", error->message);
}

static void on_paused(void *data)
{
	((struct world *) data)->paused++;
}

static void on_running(void *data)
{
	((struct world *) data)->running++;
}

static void on_lost(const struct error *error, void *data)
{
	(void) data;
	fail_msg("%s", error->message);
}

static const struct emulator_events events = {
    .on_paused = on_paused, .on_running = on_running, .on_lost = on_lost};

static void on_answer(const struct error *error, const json_t *result, void *data)
{
	struct world *world = data;
	world->answers++;
	world->failures += error != NULL;
	size_t codes = strlen(world->codes), values = strlen(world->values);
	if (error)
		snprintf(world->codes + codes, sizeof(world->codes) - codes, "%s ", error->code);
	else if (json_string_value(result))
		snprintf(world->values + values, sizeof(world->values) - values, "%s ",
			 json_string_value(result));
}

/* ---- the world ---- */

static void on_deadline(void *data)
{
	(void) data;
	fail_msg("what was waited for did not come");
}

struct wish {
	struct world *world;
	const int *counter;
	int count;
};

static void look(void *data)
{
	struct wish *wish = data;
	if (*wish->counter >= wish->count)
		loop_stop(wish->world->loop);
	else
		assert_non_null(loop_defer(wish->world->loop, look, wish, NULL));
}

static void wait_for(struct world *world, const int *counter, int count)
{
	struct wish wish = {.world = world, .counter = counter, .count = count};
	loop_timer_start(world->deadline, DEADLINE_MS);
	look(&wish);
	if (*counter < count)
		loop_run(world->loop);
	loop_timer_stop(world->deadline);
	assert_int_equal(*counter, count);
}

static int adopt(struct world *world, const struct adopted_channel *channels, size_t count,
		 struct error *error)
{
	const struct adoption adoption = {.channels = channels,
					  .count = count,
					  .connect = connect_qmp,
					  .on_closed = on_closed,
					  .data = world};
	return world->emulator->launcher->adopt(world->launcher, &adoption, on_adopted, &events, world,
						error);
}

static const struct adopted_channel usual[] = {{"serial0", true}, {"qmp", false}, {"gdb", false}};

static void adopt_usual(struct world *world)
{
	assert_int_equal(adopt(world, usual, 3, NULL), 0);
	assert_int_equal(world->adopted, 0);
	wait_for(world, &world->adopted, 1);
	assert_string_equal(world->words, "");
	world->asked[0] = '\0';
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct error error = {0};
	world->loop = loop_create(&error);
	world->deadline = loop_timer_create(world->loop, on_deadline, world, &error);
	world->settings = json_pack("{s:s, s:s}", "executable", "qemu-system-arm", "machine", "any");
	const struct launch launch = {
	    .loop = world->loop, .state_dirfd = -1, .settings = world->settings, .firmware_fd = -1};
	world->emulator = emulator_find("qemu");
	world->launcher = world->emulator->launcher->create(&launch, &error);
	assert_non_null(world->launcher);
	world->runs = true;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	if (world->launcher)
		world->emulator->launcher->destroy(world->launcher);
	for (int i = 0; i < world->connected; i++) {
		stream_destroy(world->peers[i].stream);
		json_lines_finish(&world->peers[i].lines);
	}
	loop_timer_destroy(world->deadline);
	loop_destroy(world->loop);
	json_decref(world->settings);
	free(world);
	return 0;
}

static void get(struct world *world, const char *name, uint64_t timeout_ms)
{
	world->emulator->connector->property_get(world->launcher, "/machine", name, timeout_ms, on_answer,
						 world);
}

/* ---- tests ---- */

static void state_is_told_with_the_adoption(void **state)
{
	struct world *world = *state;
	world->runs = false;
	adopt_usual(world);
	assert_true(world->paused_at_adoption);
	assert_int_equal(world->paused + world->running, 0);
	expect_all_closed(world);
}

static void channels_are_those_that_were_adopted(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	size_t count;
	const struct channel_plan *plan = world->emulator->launcher->channels(world->launcher, &count);
	assert_int_equal(count, 3);
	static const enum channel_kind kinds[] = {CHANNEL_CONSOLE, CHANNEL_CONTROL, CHANNEL_GDB};
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(plan[i].name, usual[i].name);
		assert_int_equal(plan[i].pty, usual[i].pty);
		assert_int_equal(plan[i].kind, kinds[i]);
		assert_null(plan[i].socket_name);
	}
}

static void qemu_without_qmp_is_refused(void **state)
{
	struct world *world = *state;
	struct error error = {0};
	assert_true(adopt(world, usual, 1, &error) < 0);
	assert_string_equal(error.code, "not_adoptable");
	assert_int_equal(world->connected, 0);
}

static void connection_that_fails_fails_the_adoption(void **state)
{
	struct world *world = *state;
	world->refuses_connections = true;
	assert_int_equal(adopt(world, usual, 3, NULL), 0);
	wait_for(world, &world->adopted, 1);
	assert_string_equal(world->words, "nobody is there");
}

static void call_has_a_connection_of_its_own_and_asks_for_the_state_first(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	world->runs = false;
	get(world, "type", 1000);
	assert_int_equal(world->answers, 0);
	wait_for(world, &world->answers, 1);
	assert_string_equal(world->asked, "2:qmp_capabilities 2:query-status 2:qom-get ");
	assert_string_equal(world->values, "type ");
	assert_int_equal(world->paused, 1);
}

static void calls_are_served_one_after_the_other(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	get(world, "a", 1000);
	get(world, "b", 1000);
	get(world, "c", 1000);
	wait_for(world, &world->answers, 3);
	assert_string_equal(world->values, "a b c ");
	assert_int_equal(world->connected, 4);
	assert_int_equal(world->closed, 4);
}

static void event_of_a_call_is_told_before_its_answer(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	world->emulator->connector->pause(world->launcher, 1000, on_answer, world);
	wait_for(world, &world->answers, 1);
	assert_int_equal(world->running, 1); /* what the state was before */
	assert_int_equal(world->paused, 1);
}

static void qemu_that_has_not_seen_its_last_client_go_is_asked_all_the_same(void **state)
{
	struct world *world = *state;
	world->negotiated_before = true;
	adopt_usual(world);
	get(world, "type", 1000);
	wait_for(world, &world->answers, 1);
	assert_string_equal(world->values, "type ");
}

static void silence_is_told_in_time_as_another_client(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	world->silent = true;
	get(world, "a", 20);
	get(world, "b", 20);
	wait_for(world, &world->answers, 2);
	assert_string_equal(world->codes, "emulator_timeout emulator_timeout ");
	world->silent = false;
	get(world, "c", 1000);
	wait_for(world, &world->answers, 3);
	assert_string_equal(world->values, "c ");
}

static void launcher_that_is_destroyed_cancels_what_waits(void **state)
{
	struct world *world = *state;
	adopt_usual(world);
	world->silent = true;
	get(world, "a", 1000);
	get(world, "b", 1000);
	wait_for(world, &world->connected, 2);
	world->emulator->launcher->destroy(TAKE(world->launcher));
	assert_int_equal(world->answers, 2);
	assert_int_equal(world->failures, 2);
}

static void launcher_that_is_destroyed_while_it_adopts_says_nothing(void **state)
{
	struct world *world = *state;
	world->silent = true;
	assert_int_equal(adopt(world, usual, 3, NULL), 0);
	wait_for(world, &world->connected, 1);
	world->emulator->launcher->destroy(TAKE(world->launcher));
	assert_int_equal(world->adopted, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(state_is_told_with_the_adoption),
	    TEST(channels_are_those_that_were_adopted),
	    TEST(qemu_without_qmp_is_refused),
	    TEST(connection_that_fails_fails_the_adoption),
	    TEST(call_has_a_connection_of_its_own_and_asks_for_the_state_first),
	    TEST(calls_are_served_one_after_the_other),
	    TEST(event_of_a_call_is_told_before_its_answer),
	    TEST(qemu_that_has_not_seen_its_last_client_go_is_asked_all_the_same),
	    TEST(silence_is_told_in_time_as_another_client),
	    TEST(launcher_that_is_destroyed_cancels_what_waits),
	    TEST(launcher_that_is_destroyed_while_it_adopts_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
