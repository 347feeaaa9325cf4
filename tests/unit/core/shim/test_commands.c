#include "client.h"

#include "core/loop/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

static struct client *client_of_running(struct control_fixture *control)
{
	control_run(control, NULL);
	return client_open(control);
}

/* ---- actions ---- */

static void a_stop_is_answered_at_once(void **state)
{
	struct control_fixture *control = *state;
	static const char *const argv[] = {"sh", "-c", "trap '' TERM; echo ready; exec sleep 1000", NULL};
	fake.argv = argv;
	struct client *client = client_of_running(control);
	wait_for_file(control->fixture, "fake.log", "ready");
	client_say(client, "{'id':1,'command':'stop'}");
	client_expect_status(client, 1, "stopping");
	client_say(client, "{'id':2,'command':'stop'}");
	client_expect_status(client, 2, "stopping");
	kill(process_of(control->fixture, "fake"), SIGKILL);
	wait_for_end(control->fixture);
}

static void actions_reach_the_emulator_and_are_answered_with_the_status(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'reset','arguments':{'timeout_ms':250}}");
	client_expect_status(client, 1, "running");
	expect_calls("reset:250");
	client_say(client, "{'id':2,'command':'pause','arguments':{'timeout_ms':251}}");
	client_expect_status(client, 2, "paused");
	expect_calls("pause:251");
	client_say(client, "{'id':3,'command':'resume','arguments':{'timeout_ms':252}}");
	client_expect_status(client, 3, "running");
	expect_calls("resume:252");
}

static void what_is_so_already_is_not_asked_of_the_emulator(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'resume'}");
	client_expect_status(client, 1, "running");
	fake_paused();
	client_say(client, "{'id':2,'command':'pause'}");
	client_expect_status(client, 2, "paused");
	expect_calls("");
}

static void a_timeout_that_makes_no_sense_is_ten_seconds_or_the_shortest(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	static const struct {
		const char *timeout, *calls;
	} cases[] = {{"'soon'", "reset:10000"}, {"null", "reset:10000"}, {"0", "reset:1"}, {"-5", "reset:1"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_free char *line =
		    text_format("{'id':1,'command':'reset','arguments':{'timeout_ms':%s}}", cases[i].timeout);
		client_say(client, line);
		client_expect_status(client, 1, "running");
		expect_calls(cases[i].calls);
	}
}

static void what_the_emulator_refuses_is_told_in_its_words(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	fake.fails_at = "actions";
	static const char *const commands[] = {"reset", "pause", "property-list", "property-get",
					       "property-set"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cleanup_free char *line =
		    text_format("{'id':4,'command':'%s','arguments':{'value':1}}", commands[i]);
		client_say(client, line);
		client_expect_error(client, 4, "emulator_error", "the fake fails at actions");
	}
	fake_paused();
	client_say(client, "{'id':5,'command':'resume'}");
	client_expect_error(client, 5, "emulator_error", "the fake fails at actions");
}

static void without_a_guest_nothing_can_be_asked(void **state)
{
	struct control_fixture *control = *state;
	static const char *const commands[] = {"reset",        "pause",        "resume", "property-list",
					       "property-get", "property-set", "input",  "attach",
					       "gdb",          "load"};
	control_of(control, NULL);
	struct client *client = client_open(control);
	instance_start(control->fixture->instance);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cleanup_free char *line = text_format(
		    "{'id':1,'command':'%s','arguments':{'value':1,'channel':'gdb','file':{}}}", commands[i]);
		client_say(client, line);
		client_expect_error(client, 1, "instance_busy", "board is starting");
	}
	fake_started(NULL);
	end_instance(control->fixture);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cleanup_free char *line = text_format(
		    "{'id':2,'command':'%s','arguments':{'value':1,'channel':'gdb','file':{}}}", commands[i]);
		client_say(client, line);
		client_expect_error(client, 2, "not_running", "board is exited");
	}
	client_say(client, "{'id':3,'command':'stop'}");
	client_expect_status(client, 3, "exited");
	client_say(client, "{'id':4,'command':'status'}");
	client_expect_status(client, 4, "exited");
}

static void a_full_disk_holds_up_the_resume(void **state)
{
	struct control_fixture *control = *state;
	use_small_disk(control->fixture);
	control_run(control, "{'limits':{'free_bytes':524288}}");
	struct client *client = client_open(control);
	fake_paused();
	fill_disk(control->fixture);
	client_say(client, "{'id':1,'command':'resume'}");
	client_expect_error(client, 1, "disk_full", "the disk under the state directory is full");
	expect_calls("");
	free_disk(control->fixture);
	client_say(client, "{'id':2,'command':'resume'}");
	client_expect_status(client, 2, "running");
	end_instance(control->fixture);
	control_destroy(TAKE(control->control));
	leave_small_disk(control->fixture);
}

/* ---- properties ---- */

static void properties_are_asked_by_path_and_name(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	fake.result = "[{'name':'n','type':'t'}]";
	client_say(client, "{'id':1,'command':'property-list','arguments':{'path':'/machine'}}");
	client_expect(client, "{'id':1,'return':[{'name':'n','type':'t'}]}");
	expect_calls("list:/machine:10000");
	fake.result = "'value'";
	client_say(client, "{'id':2,'command':'property-get','arguments':{'path':'/machine','name':'n',"
			   "'timeout_ms':9}}");
	client_expect(client, "{'id':2,'return':'value'}");
	expect_calls("get:/machine:n:9");
	client_say(client, "{'id':3,'command':'property-set','arguments':{'path':'/machine','name':'n',"
			   "'value':{'a':[1,null]}}}");
	client_expect(client, "{'id':3,'return':null}");
	expect_calls("set:/machine:n:{\"a\":[1,null]}:10000");
	client_say(client, "{'id':4,'command':'property-set','arguments':{'path':'/machine','name':'n',"
			   "'value':null}}");
	client_expect(client, "{'id':4,'return':null}");
	expect_calls("set:/machine:n:null:10000");
}

static void what_is_left_out_or_of_another_type_is_empty(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'property-list'}");
	client_expect(client, "{'id':1,'return':null}");
	client_say(client, "{'id':2,'command':'property-get','arguments':{'path':5,'name':[]}}");
	client_expect(client, "{'id':2,'return':null}");
	expect_calls("list::10000 get:::10000");
}

static void a_property_is_not_set_without_a_value(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'property-set','arguments':{'path':'/m','name':'n'}}");
	client_expect_error(client, 1, "bad_request", "property-set needs a value");
	client_say(client, "{'id':2,'command':'property-set'}");
	client_expect_error(client, 2, "bad_request", "property-set needs a value");
	expect_calls("");
}

/* ---- input ---- */

static int open_input(const struct control_fixture *control)
{
	int fd = openat(control->fixture->scratch.dirfd, "serial0.in", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void input_reaches_the_guest(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	int guest = open_input(control);
	client_say(client, "{'id':1,'command':'input','arguments':{'channel':'serial0','base64':'aGkA'}}");
	client_expect(client, "{'id':1,'return':{'written':3}}");
	char bytes[16] = "xxxxxx";
	assert_int_equal(read(guest, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "hi", 3);
	client_say(client, "{'id':2,'command':'input','arguments':{'channel':'serial0'}}");
	client_expect(client, "{'id':2,'return':{'written':0}}");
	close(guest);
}

static void input_that_makes_no_sense_is_refused(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'input','arguments':{'channel':'serial9','base64':'aGk='}}");
	client_expect_error(client, 1, "channel_not_found", "serial9 is not a console of this instance");
	client_say(client, "{'id':2,'command':'input','arguments':{'channel':'gdb','base64':'aGk='}}");
	client_expect_error(client, 2, "channel_not_found", "gdb is not a console of this instance");
	client_say(client, "{'id':3,'command':'input','arguments':{'channel':'serial0','base64':'a?'}}");
	client_expect_error(client, 3, "bad_request", "input is not base64");
	client_say(client, "{'id':4,'command':'input'}");
	client_expect_error(client, 4, "channel_not_found", "");
}

/* Base64 of 96 KiB of 'A': more than the FIFO takes. */
static char *long_input(json_int_t id, unsigned timeout_ms)
{
	enum { LENGTH = 4 * 32 * 1024 };
	cleanup_free char *digits = malloc(LENGTH + 1);
	for (size_t i = 0; i < LENGTH; i++)
		digits[i] = "QUFB"[i % 4];
	digits[LENGTH] = '\0';
	return text_format("{'id':%d,'command':'input','arguments':{'channel':'serial0','timeout_ms':%u,"
			   "'base64':'%s'}}",
			   (int) id, timeout_ms, digits);
}

static json_int_t written_of(struct client *client, const char *code)
{
	cleanup_json json_t *reply = client_next(client);
	const json_t *error = json_object_get(reply, "error");
	assert_string_equal(json_member_string(error, "code", ""), code);
	return json_member_integer(error, "written", -1);
}

static void a_guest_that_does_not_read_is_told_with_what_it_took(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	cleanup_free char *line = long_input(1, 50);
	client_say(client, line);
	assert_int_equal(written_of(client, "timeout"), 65536);
}

static void a_reset_throws_away_input_that_waits(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	cleanup_free char *line = long_input(1, 100000);
	client_say(client, line);
	client_say(client, "{'id':2,'command':'reset'}");
	assert_int_equal(written_of(client, "not_running"), 65536);
	client_expect_status(client, 2, "running");
	int guest = open_input(control);
	char byte;
	assert_true(read(guest, &byte, 1) <= 0);
	close(guest);
}

/* ---- attach ---- */

/* gdb.sock, as the emulator would have made it. */
static int make_gdb_socket(const struct control_fixture *control)
{
	int fd = listener_open_unix(control->fixture->scratch.dirfd, "gdb.sock", NULL);
	assert_true(fd >= 0);
	return fd;
}

struct expected_bytes {
	int fd;
	const char *text;
};

static bool has_come(void *data)
{
	const struct expected_bytes *expected = data;
	char bytes[64];
	size_t length = strlen(expected->text);
	return recv(expected->fd, bytes, length, MSG_PEEK | MSG_DONTWAIT) == (ssize_t) length;
}

static void expect_bytes(const struct control_fixture *control, int fd, const char *text)
{
	struct expected_bytes expected = {.fd = fd, .text = text};
	char bytes[64] = "";
	wait_until(control->fixture, has_come, &expected);
	assert_int_equal(recv(fd, bytes, strlen(text), 0), strlen(text));
	assert_string_equal(bytes, text);
}

static bool has_hung_up(void *data)
{
	char byte;
	return recv(*(const int *) data, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void a_connection_that_attaches_becomes_the_channel(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control), *other = client_open(control);
	int listening = make_gdb_socket(control);
	client_say(client, "{'id':1,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect(client, "{'id':1,'return':{}}");
	int emulator = accept(listening, NULL, NULL);
	client_send(client, "$g#67", 5);
	expect_bytes(control, emulator, "$g#67");
	assert_int_equal(send(emulator, "+$00#60", 7, 0), 7);
	expect_bytes(control, client->fd, "+$00#60");
	client_say(other, "{'id':2,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect_error(other, 2, "channel_busy", "another client has the channel gdb");
	/* No longer a connection of the protocol: no event comes. */
	fake_paused();
	client_close(client);
	wait_until(control->fixture, has_hung_up, &emulator);
	close(emulator);
	client_say(other, "{'id':3,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect(other, "{'id':3,'return':{}}");
	close(listening);
}

static void what_cannot_be_attached_to_is_told(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'attach','arguments':{'channel':'serial0'}}");
	client_expect_error(client, 1, "channel_not_found", "serial0 is not a tunnel of this instance");
	client_say(client, "{'id':2,'command':'attach','arguments':{'channel':'none'}}");
	client_expect_error(client, 2, "channel_not_found", "none is not a tunnel of this instance");
	client_say(client, "{'id':3,'command':'attach'}");
	client_expect_error(client, 3, "channel_not_found", " is not a tunnel of this instance");
}

static void an_emulator_that_cannot_be_reached_ends_the_attached_and_frees_the_place(void **state)
{
	struct control_fixture *control = *state;
	struct client *client = client_of_running(control), *other = client_open(control);
	client_say(client, "{'id':1,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect(client, "{'id':1,'return':{}}");
	client_expect_end(client);
	int listening = make_gdb_socket(control);
	client_say(other, "{'id':2,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect(other, "{'id':2,'return':{}}");
	close(listening);
}

static void a_channel_without_a_socket_is_connected_by_the_launcher(void **state)
{
	struct control_fixture *control = *state;
	static const struct channel_plan plan[] = {{.name = (char *) "gdb", .kind = CHANNEL_GDB}};
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	fake.channels = plan;
	fake.channel_count = 1;
	fake.connection = pair[0];
	struct client *client = client_of_running(control);
	client_say(client, "{'id':1,'command':'attach','arguments':{'channel':'gdb'}}");
	client_expect(client, "{'id':1,'return':{}}");
	expect_calls("connect:gdb");
	client_send(client, "hello", 5);
	expect_bytes(control, pair[1], "hello");
	close(pair[1]);
	client_expect_end(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONTROL_TEST(a_stop_is_answered_at_once),
	    CONTROL_TEST(actions_reach_the_emulator_and_are_answered_with_the_status),
	    CONTROL_TEST(what_is_so_already_is_not_asked_of_the_emulator),
	    CONTROL_TEST(a_timeout_that_makes_no_sense_is_ten_seconds_or_the_shortest),
	    CONTROL_TEST(what_the_emulator_refuses_is_told_in_its_words),
	    CONTROL_TEST(without_a_guest_nothing_can_be_asked),
	    CONTROL_TEST(a_full_disk_holds_up_the_resume),
	    CONTROL_TEST(properties_are_asked_by_path_and_name),
	    CONTROL_TEST(what_is_left_out_or_of_another_type_is_empty),
	    CONTROL_TEST(a_property_is_not_set_without_a_value),
	    CONTROL_TEST(input_reaches_the_guest),
	    CONTROL_TEST(input_that_makes_no_sense_is_refused),
	    CONTROL_TEST(a_guest_that_does_not_read_is_told_with_what_it_took),
	    CONTROL_TEST(a_reset_throws_away_input_that_waits),
	    CONTROL_TEST(a_connection_that_attaches_becomes_the_channel),
	    CONTROL_TEST(what_cannot_be_attached_to_is_told),
	    CONTROL_TEST(an_emulator_that_cannot_be_reached_ends_the_attached_and_frees_the_place),
	    CONTROL_TEST(a_channel_without_a_socket_is_connected_by_the_launcher),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
