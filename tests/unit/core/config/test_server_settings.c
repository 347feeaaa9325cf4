#include "support.h"

#define F MAIN_FILE

static void defaults_hold_where_nothing_is_said(void **state)
{
	(void) state;
	struct loaded loaded = load_clean("pw: {}");
	const struct config_server *server = config_server(loaded.config);
	assert_null(server->listen);
	assert_null(server->state_dir);
	assert_null(server->file_roots);
	assert_false(server->raw_channels_given);
	assert_false(server->stop_instances_on_exit);
	assert_int_equal(server->limits.running_instances, 256);
	assert_int_equal(server->limits.instances, 10000);
	assert_int_equal(server->limits.console_bytes, 64 << 20);
	assert_int_equal(server->limits.free_bytes, 64 << 20);
	assert_int_equal(server->limits.kept_starts, 3);
	assert_int_equal(server->limits.kept_runs, 1000);
	assert_true(server->limits.kept_runs_age == 30 * 86400);
	assert_int_equal(server->limits.kept_runs_bytes, INT64_C(4) << 30);
	assert_int_equal(server->limits.kept_events, 100000);
	assert_true(server->limits.kept_events_age == 30.0 * 24 * 60 * 60);
	assert_int_equal(server->limits.body_bytes, 1 << 20);
	assert_int_equal(server->limits.file_bytes, 256 << 20);
	assert_int_equal(server->limits.input_bytes, 1 << 20);
	assert_int_equal(server->limits.process_memory_bytes, 0);
	assert_int_equal(server->limits.open_files, 0);
	assert_true(server->limits.stop_timeout == 5);
	assert_true(server->limits.start_timeout == 30);
	loaded_finish(&loaded);
}

static const char every_setting[] = "server:\n"
				    "  listen: '[::1]:0'\n"
				    "  state_dir: state\n"
				    "  token_file: /etc/emud/tokens\n"
				    "  file_roots: [firmware, /srv]\n"
				    "  path_roots: []\n"
				    "  hosts: [board.example.org]\n"
				    "  origins: ['https://board.example.org']\n"
				    "  log_level: warning\n"
				    "  log_format: json\n"
				    "  raw_channels: false\n"
				    "  stop_instances_on_exit: true\n"
				    "  limits:\n"
				    "    running_instances: 1\n"
				    "    instances: 2\n"
				    "    console_bytes: 1048576\n"
				    "    free_bytes: 4\n"
				    "    kept_starts: 0\n"
				    "    kept_runs: 5\n"
				    "    kept_runs_age: 1.5\n"
				    "    kept_runs_bytes: 6\n"
				    "    kept_events: 5\n"
				    "    kept_events_age: 1.5\n"
				    "    body_bytes: 2048\n"
				    "    file_bytes: 7\n"
				    "    input_bytes: 8\n"
				    "    process_memory_bytes: 9\n"
				    "    open_files: 10\n"
				    "    stop_timeout: 0.5\n"
				    "    start_timeout: 60\n";

static void every_setting_is_read(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(every_setting);
	const struct config_server *server = config_server(loaded.config);
	assert_string_equal(server->listen, "[::1]:0");
	assert_string_equal(server->state_dir, "/project/state");
	assert_string_equal(server->token_file, "/etc/emud/tokens");
	assert_string_equal(server->file_roots[0], "/project/firmware");
	assert_string_equal(server->file_roots[1], "/srv");
	assert_null(server->file_roots[2]);
	assert_non_null(server->path_roots);
	assert_null(server->path_roots[0]);
	assert_string_equal(server->hosts[0], "board.example.org");
	assert_string_equal(server->origins[0], "https://board.example.org");
	assert_string_equal(server->log_level, "warning");
	assert_string_equal(server->log_format, "json");
	assert_true(server->raw_channels_given);
	assert_false(server->raw_channels);
	assert_true(server->stop_instances_on_exit);
	assert_int_equal(server->limits.running_instances, 1);
	assert_int_equal(server->limits.instances, 2);
	assert_int_equal(server->limits.console_bytes, 1048576);
	assert_int_equal(server->limits.free_bytes, 4);
	assert_int_equal(server->limits.kept_starts, 0);
	assert_int_equal(server->limits.kept_runs, 5);
	assert_true(server->limits.kept_runs_age == 1.5);
	assert_int_equal(server->limits.kept_runs_bytes, 6);
	assert_int_equal(server->limits.kept_events, 5);
	assert_true(server->limits.kept_events_age == 1.5);
	assert_int_equal(server->limits.body_bytes, 2048);
	assert_int_equal(server->limits.file_bytes, 7);
	assert_int_equal(server->limits.input_bytes, 8);
	assert_int_equal(server->limits.process_memory_bytes, 9);
	assert_int_equal(server->limits.open_files, 10);
	assert_true(server->limits.stop_timeout == 0.5);
	assert_true(server->limits.start_timeout == 60);
	loaded_finish(&loaded);
}

static void types_and_ranges_are_checked_together(void **state)
{
	(void) state;
	assert_findings(load_text("{\n"
				  "\"server\": {\n"
				  "  \"listen\": \"localhost\",\n"
				  "  \"state_dir\": \"\",\n"
				  "  \"token_file\": 5,\n"
				  "  \"file_roots\": [\"/a\", \"\", 3],\n"
				  "  \"hosts\": \"x\",\n"
				  "  \"log_level\": \"loud\",\n"
				  "  \"log_format\": \"xml\",\n"
				  "  \"raw_channels\": \"yes\",\n"
				  "  \"limit\": {},\n"
				  "  \"limits\": {\n"
				  "    \"running_instances\": 0,\n"
				  "    \"console_bytes\": 1000,\n"
				  "    \"kept_starts\": -1,\n"
				  "    \"kept_runs_age\": 1e12,\n"
				  "    \"body_bytes\": 1.5,\n"
				  "    \"stop_timeout\": \"5s\",\n"
				  "    \"start_timeout\": 0,\n"
				  "    \"kept_events\": 0,\n"
				  "    \"kept_events_age\": 0.5\n"
				  "}}}"),
			F ":3: server.listen: must be HOST:PORT with a port from 0 (any) to 65535",
			F ":4: server.state_dir: must not be empty",
			F ":5: server.token_file: must be a string, not an integer: put it in quotes",
			F ":6: server.file_roots[1]: must not be empty",
			F ":6: server.file_roots[2]: must be a string, not an integer: put it in quotes",
			F ":7: server.hosts: must be a list of strings, not a string",
			F ":8: server.log_level: must be debug, info, warning or error",
			F ":9: server.log_format: must be key_value or json",
			F ":10: server.raw_channels: must be true or false, not a string",
			F ":11: server.limit: unknown key, did you mean \"limits\"?",
			F ":13: server.limits.running_instances: must be from 1 to 100000",
			F ":14: server.limits.console_bytes: must be from 65536 to 1099511627776",
			F ":15: server.limits.kept_starts: must not be negative",
			F ":16: server.limits.kept_runs_age: must be from 0 to 3155760000",
			F ":17: server.limits.body_bytes: must be an integer, not a number",
			F ":18: server.limits.stop_timeout: must be a number, not a string",
			F ":19: server.limits.start_timeout: must be from 0.1 to 3600",
			F ":20: server.limits.kept_events: must be from 1 to 10000000",
			F ":21: server.limits.kept_events_age: must be from 1 to 315360000", NULL);
	assert_findings(load_text("server: {limits: 3}"),
			F ":1: server.limits: must be a map, not an integer", NULL);
}

static void addresses_to_listen_on_are_checked(void **state)
{
	(void) state;
	static const char *const bad[] = {":80", "h:", "h:x", "h:65536", "h:-1", "80"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "server: {listen: '%s'}", bad[i]);
		assert_findings(load_text(text),
				F ":1: server.listen: must be HOST:PORT with a port from 0 (any) to 65535",
				NULL);
	}
	assert_findings(load_text("server: {listen: '::1:80'}"),
			F ":1: server.listen: an IPv6 address must stand in brackets: [ADDRESS]:PORT", NULL);
	assert_findings(load_text("server: {listen: localhost:65535}"), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_hold_where_nothing_is_said),
	    cmocka_unit_test(every_setting_is_read),
	    cmocka_unit_test(types_and_ranges_are_checked_together),
	    cmocka_unit_test(addresses_to_listen_on_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
