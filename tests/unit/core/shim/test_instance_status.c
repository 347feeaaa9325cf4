#include "support.h"

static json_t *status_of(const struct fixture *fixture)
{
	json_t *status = instance_status(fixture->instance);
	assert_non_null(status);
	return status;
}

static void expect_member(const struct fixture *fixture, const char *key, const char *wanted)
{
	cleanup_json json_t *status = status_of(fixture);
	cleanup_json json_t *json = quoted(wanted);
	cleanup_free char *text = json_to_text(json_object_get(status, key));
	if (!json_equal(json_object_get(status, key), json))
		fail_msg("%s: %s, not %s", key, text, wanted);
}

static void expect_refusal(const struct fixture *fixture, const char *code, const char *message)
{
	struct error error;
	const struct connector_ops *connector;
	assert_null(instance_launcher(fixture->instance, &connector, &error));
	assert_string_equal(error.code, code);
	assert_string_equal(error.message, message);
}

static void an_instance_that_has_not_begun_has_nothing_but_its_number(void **state)
{
	struct fixture *fixture = *state;
	instance_of(fixture, "{'start_number':7}");
	expect_member(fixture, "start_number", "7");
	static const char *const absent[] = {"paused_by", "ended_at", "exit", "command"};
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		expect_member(fixture, absent[i], "null");
	expect_member(fixture, "channels", "{}");
	expect_member(fixture, "processes", "{}");
	expect_member(fixture, "gdb", "{'remote':null,'command':[]}");
}

static void a_running_instance_tells_its_command_and_channels(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	expect_member(fixture, "command", "['sleep','1000']");
	cleanup_json json_t *status = status_of(fixture);
	const json_t *channels = json_object_get(status, "channels");
	assert_int_equal(json_object_size(channels), 2);
	const json_t *console = json_object_get(channels, "serial0");
	assert_string_equal(json_member_string(console, "kind", ""), "console");
	assert_string_equal(json_member_string(console, "type", ""), "tcp");
	assert_true(json_member_integer(console, "port", 0) > 0);
	assert_string_equal(json_member_string(json_object_get(channels, "gdb"), "kind", ""), "gdb");
	end_instance(fixture);
}

static void gdb_is_told_where_to_connect_by_tcp(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'gdb':['gdb-multiarch','-q']}");
	cleanup_json json_t *status = status_of(fixture);
	json_int_t port =
	    json_member_integer(json_object_get(json_object_get(status, "channels"), "gdb"), "port", 0);
	cleanup_free char *wanted =
	    text_format("{'remote':'127.0.0.1:%d','command':['gdb-multiarch','-q','-ex',"
			"'target remote 127.0.0.1:%d']}",
			(int) port, (int) port);
	expect_member(fixture, "gdb", wanted);
	end_instance(fixture);
}

static void without_a_gdb_there_is_no_command(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	cleanup_json json_t *status = status_of(fixture);
	const json_t *gdb = json_object_get(status, "gdb");
	assert_true(text_starts_with(json_member_string(gdb, "remote", ""), "127.0.0.1:"));
	assert_int_equal(json_array_size(json_object_get(gdb, "command")), 0);
	end_instance(fixture);
}

static void gdb_is_told_where_to_connect_by_pty(void **state)
{
	struct fixture *fixture = *state;
	static const struct channel_plan plan[] = {
	    {.name = (char *) "gdb", .kind = CHANNEL_GDB, .pty = true, .socket_name = (char *) "gdb.sock"}};
	fake.channels = plan;
	fake.channel_count = 1;
	run_instance(fixture, "{'gdb':['gdb']}");
	cleanup_json json_t *status = status_of(fixture);
	const char *path =
	    json_member_string(json_object_get(json_object_get(status, "channels"), "gdb"), "path", "");
	assert_true(text_starts_with(path, "/dev/pts/"));
	cleanup_free char *wanted =
	    text_format("{'remote':'%s','command':['gdb','-ex','target remote %s']}", path, path);
	expect_member(fixture, "gdb", wanted);
	end_instance(fixture);
}

static void without_raw_channels_there_is_nowhere_to_connect(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, "{'gdb':['gdb'],'raw_channels':false}");
	expect_member(fixture, "gdb", "{'remote':null,'command':['gdb']}");
	expect_member(fixture, "channels",
		      "{'serial0':{'type':'tcp','kind':'console'},'gdb':{'type':'tcp','kind':'gdb'}}");
	end_instance(fixture);
}

static void an_ended_instance_has_times_and_neither_processes_nor_endpoints(void **state)
{
	struct fixture *fixture = *state;
	run_instance(fixture, NULL);
	end_instance(fixture);
	cleanup_json json_t *status = status_of(fixture);
	const char *started = json_member_string(status, "started_at", ""),
		   *ended = json_member_string(status, "ended_at", "");
	assert_int_equal(strlen(started), strlen("2026-01-01T00:00:00.000Z"));
	assert_int_equal(strlen(ended), strlen(started));
	assert_true(strcmp(ended, started) >= 0);
	expect_member(fixture, "processes", "{}");
	expect_member(fixture, "channels",
		      "{'serial0':{'type':'tcp','kind':'console'},'gdb':{'type':'tcp','kind':'gdb'}}");
	expect_member(fixture, "command", "['sleep','1000']");
}

static void without_a_guest_there_is_nobody_to_ask(void **state)
{
	struct fixture *fixture = *state;
	start_instance(fixture, NULL);
	expect_refusal(fixture, "instance_busy", "board is starting, not running");
	fake_started(NULL);
	struct error error;
	const struct connector_ops *connector = NULL;
	assert_non_null(instance_launcher(fixture->instance, &connector, &error));
	assert_non_null(connector);
	fake_paused();
	assert_non_null(instance_launcher(fixture->instance, &connector, &error));
	instance_stop(fixture->instance);
	expect_refusal(fixture, "not_running", "board is stopping, not running");
	wait_for_end(fixture);
	expect_refusal(fixture, "not_running", "board is exited, not running");
}

static void the_disk_is_not_full_where_there_is_no_guard(void **state)
{
	struct fixture *fixture = *state;
	instance_of(fixture, NULL);
	assert_false(instance_is_disk_full(fixture->instance));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_instance_that_has_not_begun_has_nothing_but_its_number),
	    TEST(a_running_instance_tells_its_command_and_channels),
	    TEST(gdb_is_told_where_to_connect_by_tcp),
	    TEST(without_a_gdb_there_is_no_command),
	    TEST(gdb_is_told_where_to_connect_by_pty),
	    TEST(without_raw_channels_there_is_nowhere_to_connect),
	    TEST(an_ended_instance_has_times_and_neither_processes_nor_endpoints),
	    TEST(without_a_guest_there_is_nobody_to_ask),
	    TEST(the_disk_is_not_full_where_there_is_no_guard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
