#include "support.h"

#define F MAIN_FILE

static const char pigweed_json[] =
    "{\n"
    "  \"pw\": {\n"
    "    \"pw_presubmit\": {\"format\": {\"python_formatter\": \"black\"}},\n"
    "    \"pw_emu\": {\n"
    "      \"gdb\": [\"gdb-multiarch\"],\n"
    "      \"toy\": {\"executable\": \"toy-bin\"},\n"
    "      \"targets\": {\n"
    "        \"zeta\": {\"toy\": {\"machine\": \"z\"}},\n"
    "        \"alpha\": {\n"
    "          \"gdb\": [\"own-gdb\", \"-q\"],\n"
    "          \"pre-start-cmds\": {\"fake\": [\"fake\", \"$pw_emu_wdir{x}\"]},\n"
    "          \"post-start-cmds\": {\"b\": [\"b\"], \"a\": [\"a\"]},\n"
    "          \"toy\": {\"machine\": \"m\", \"channels\": {\"lines\": {\"uart\": {\"id\": \"serial0\"}}}}\n"
    "        }\n"
    "      }\n"
    "    }\n"
    "  },\n"
    "  \"other_tool\": {\"$pw_env{NOT_SET_ANYWHERE}\": \"$pw_unknown{x} $pw_env{NOT_SET_ANYWHERE}\"}\n"
    "}\n";

static void a_projects_own_file_is_read(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(pigweed_json);
	const char *const *names = config_target_names(loaded.config);
	assert_string_equal(names[0], "alpha");
	assert_string_equal(names[1], "zeta");
	assert_null(names[2]);
	assert_true(config_has_target(loaded.config, "zeta"));
	assert_false(config_has_target(loaded.config, "zetb"));
	assert_string_equal(config_target_source(loaded.config, "zeta"), F);
	assert_null(config_target_source(loaded.config, "zetb"));
	assert_null(config_target_emulators(loaded.config, "zetb"));
	assert_string_equal(config_path(loaded.config), F);
	assert_string_equal(config_directory(loaded.config), "/project");
	loaded_finish(&loaded);
}

static void a_target_is_resolved_for_its_launcher(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(pigweed_json);
	assert_json(
	    config_resolve(loaded.config, "alpha", NULL, NULL),
	    "{\"target\":\"alpha\",\"emulator\":\"toy\",\"gdb\":[\"own-gdb\",\"-q\"],"
	    "\"pre_start\":[{\"name\":\"fake\",\"command\":[\"fake\",\"$pw_emu_wdir{x}\"]}],"
	    "\"post_start\":[{\"name\":\"b\",\"command\":[\"b\"]},{\"name\":\"a\",\"command\":[\"a\"]}],"
	    "\"settings\":{\"executable\":\"toy-bin\",\"machine\":\"m\",\"lines\":{\"uart\":{\"id\":"
	    "\"serial0\"}}}}");
	assert_json(config_resolve(loaded.config, "zeta", "toy", NULL),
		    "{\"target\":\"zeta\",\"emulator\":\"toy\",\"gdb\":[\"gdb-multiarch\"],\"pre_start\":[],"
		    "\"post_start\":[],\"settings\":{\"executable\":\"toy-bin\",\"machine\":\"z\"}}");
	assert_json(config_describe_channels(loaded.config, "alpha", NULL),
		    "{\"gdb\":{\"kind\":\"gdb\",\"type\":\"tcp\"},"
		    "\"uart\":{\"kind\":\"console\",\"type\":\"tcp\",\"tied_to\":\"serial0\"}}");
	loaded_finish(&loaded);
}

static void an_empty_gdb_of_a_target_counts_as_none(void **state)
{
	(void) state;
	struct loaded loaded = load_clean("pw: {pw_emu: {gdb: [g], targets: {t: {gdb: [], toy: {machine: m, "
					  "executable: e}}}}}");
	json_t *resolved = config_resolve(loaded.config, "t", NULL, NULL);
	assert_json(json_incref(json_object_get(resolved, "gdb")), "[\"g\"]");
	json_decref(resolved);
	loaded_finish(&loaded);
}

static void expect_error(const struct config *config, const char *target, const char *emulator,
			 const char *code, const char *message)
{
	struct error error = {0};
	assert_null(config_resolve(config, target, emulator, &error));
	assert_string_equal(error.code, code);
	assert_string_equal(error.message, message);
	assert_null(config_describe_channels(config, target, emulator));
}

static void what_is_not_there_is_told(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(pigweed_json);
	expect_error(loaded.config, "alpah", NULL, "unknown_target",
		     "there is no target \"alpah\", did you mean \"alpha\"?");
	expect_error(loaded.config, "x-y-z", NULL, "unknown_target", "there is no target \"x-y-z\"");
	expect_error(loaded.config, "alpha", "renode", "unknown_emulator",
		     "the target \"alpha\" has no section for the emulator \"renode\"");
	expect_error(loaded.config, "alpha", "tyo", "unknown_emulator",
		     "the target \"alpha\" has no section for the emulator \"tyo\", did you mean \"toy\"?");
	loaded_finish(&loaded);
}

static void emulators_that_are_not_built_in_do_no_harm(void **state)
{
	(void) state;
	struct loaded loaded =
	    load_text("pw:\n"
		      "  pw_emu:\n"
		      "    emulators: {mine: {launcher: a.b.Launcher, connector: a.b.C}}\n"
		      "    mine: {executable: '$pw_env{NOT_SET_ANYWHERE}', whatever: [1, 2]}\n"
		      "    targets:\n"
		      "      both: {mine: {machine: x, odd: 1}, toy: {machine: m, executable: e}}\n"
		      "      own: {mine: {anything: {goes: true}}}\n");
	assert_non_null(loaded.config);
	const char *const *both = config_target_emulators(loaded.config, "both");
	assert_string_equal(both[0], "mine");
	assert_string_equal(both[1], "toy");
	assert_null(both[2]);
	assert_string_equal(config_target_emulators(loaded.config, "own")[0], "mine");
	expect_error(
	    loaded.config, "both", NULL, "emulator_unavailable",
	    "the emulator \"mine\" is not built into this emud, and the configuration names no driver "
	    "for it");
	assert_int_equal(json_object_size(config_declared_emulators(loaded.config)), 0);
	json_decref(config_resolve(loaded.config, "both", "toy", NULL));
	assert_findings(
	    loaded, F ":4: pw.pw_emu.mine.executable: the environment variable NOT_SET_ANYWHERE is not set",
	    NULL);
}

static const char with_drivers[] =
    "pw:\n"
    "  pw_emu:\n"
    "    mine: {speed: '$pw_env{EMUD_TEST_SPEED}', deep: {a: 1, b: 2}, list: [1]}\n"
    "    emulators:\n"
    "      mine: {driver: [python3, '$pw_env{EMUD_TEST_SPEED}.py'], launcher: a.B}\n"
    "    targets:\n"
    "      t: {mine: {deep: {b: 3}, list: [2], channels: {uart: {type: pty}}}}\n"
    "      n: {mine: {}}\n";

static void a_declared_driver_makes_an_emulator(void **state)
{
	(void) state;
	setenv("EMUD_TEST_SPEED", "fast", 1);
	struct loaded loaded = load_clean(with_drivers);
	assert_json(
	    config_resolve(loaded.config, "t", NULL, NULL),
	    "{\"target\":\"t\",\"emulator\":\"mine\",\"gdb\":[],\"pre_start\":[],\"post_start\":[],"
	    "\"settings\":{\"declaration\":{\"driver\":[\"python3\",\"fast.py\"],\"launcher\":\"a.B\"},"
	    "\"common\":{\"speed\":\"fast\",\"deep\":{\"a\":1,\"b\":2},\"list\":[1]},"
	    "\"own\":{\"deep\":{\"b\":3},\"list\":[2],\"channels\":{\"uart\":{\"type\":\"pty\"}}}}}");
	assert_json(config_describe_channels(loaded.config, "t", NULL), "{\"uart\":{\"type\":\"pty\"}}");
	assert_null(config_describe_channels(loaded.config, "n", NULL));
	assert_json(json_deep_copy(config_declared_emulators(loaded.config)),
		    "{\"mine\":{\"driver\":[\"python3\",\"fast.py\"],\"launcher\":\"a.B\"}}");
	loaded_finish(&loaded);
}

static void what_is_wrong_with_a_driver_is_told(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n"
		      "  pw_emu:\n"
		      "    emulators:\n"
		      "      mine: {driver: python3}\n"
		      "      typo: {drivers: [x]}\n"
		      "      a/b: {driver: [x]}\n"
		      "      gdb: {driver: [x]}\n"
		      "      fine: {driver: ['$pw_env{NOT_SET_ANYWHERE}', '$pw_emu_wdir{x}']}\n"
		      "    targets:\n"
		      "      t: {fine: {bad: true}, post-start-cmds: {fine-driver: [x]}}\n"
		      "      u: {fine: {x: '$pw_env{NOT_SET_ANYWHERE}'}}\n"
		      "      v: {mien: {}}\n"),
	    F ":4: pw.pw_emu.emulators.mine.driver: must be a list of strings, not a string",
	    F ":6: pw.pw_emu.emulators.a/b: the emulator's name \"a/b\" must not contain a slash or "
	      "control characters, since it names files",
	    F ":7: pw.pw_emu.emulators.gdb: the emulator's name \"gdb\" is a key of another meaning",
	    F ":8: pw.pw_emu.emulators.fine.driver[0]: the environment variable NOT_SET_ANYWHERE is "
	      "not set",
	    F ":8: pw.pw_emu.emulators.fine.driver[1]: $pw_emu_wdir{...} has a meaning in helper "
	      "commands only",
	    F ":10: pw.pw_emu.targets.t.fine.bad: is refused",
	    F ":10: pw.pw_emu.targets.t.post-start-cmds.fine-driver: the id is the name of the "
	      "emulator's own process",
	    F ":11: pw.pw_emu.targets.u.fine.x: the environment variable NOT_SET_ANYWHERE is not set",
	    F ":12: pw.pw_emu.targets.v.mien: unknown key, did you mean \"mine\"?",
	    F ":12: pw.pw_emu.targets.v: names no emulator: a section such as \"toy\" is required",
	    F ":5: pw.pw_emu.emulators.typo.drivers: unknown key, did you mean \"driver\"?", NULL);
}

/* Helpers are held against the channels a section tells, and against none where only the start can tell. */
static void helpers_may_name_what_a_driver_offers(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n"
		      "  pw_emu:\n"
		      "    emulators: {mine: {driver: [x]}}\n"
		      "    targets:\n"
		      "      t: {mine: {channels: {uart: {type: tcp}, a/b: {type: tcp}}},"
		      " pre-start-cmds: {h: ['$pw_emu_channel_port{uatr}']}}\n"
		      "      u: {mine: {}, pre-start-cmds: {h: ['$pw_emu_channel_port{anything}']}}\n"),
	    F ":5: pw.pw_emu.targets.t.mine: the channel's name \"a/b\" must not contain a slash or control "
	      "characters, since it names files",
	    F
	    ":5: pw.pw_emu.targets.t.pre-start-cmds.h[0]: $pw_emu_channel_port{uatr}: the target has no such "
	    "channel, did you mean \"uart\"?",
	    NULL);
}

static void a_built_in_emulator_cannot_be_replaced(void **state)
{
	(void) state;
	assert_findings(load_text("pw: {pw_emu: {emulators: {toy: {launcher: x}}}}"),
			F ":1: pw.pw_emu.emulators.toy: the emulator is built in, this is not used", NULL);
}

static const char full_of_errors[] = "pw:\n"
				     "  pw_emu:\n"
				     "    gdb: gdb\n"
				     "    target_files: {}\n"
				     "    emulators: {a: 1}\n"
				     "    toy:\n"
				     "      executable: 7\n"
				     "      args: [a, 2, {}]\n"
				     "      channels: {type: usb}\n"
				     "      fast: yes\n"
				     "      cores: -1\n"
				     "      delay: soon\n"
				     "    targets:\n"
				     "      t:\n"
				     "        gdb: [1]\n"
				     "        pre-start-cmds: [x]\n"
				     "        post-start-cmds: {c: run}\n"
				     "        toy:\n"
				     "          channels: {lines: {u: {type: 3}, v: x}, type: null}\n"
				     "      empty: {}\n"
				     "      number: 5\n"
				     "      nil: {toy: {machine: ''}}\n"
				     "      list: {toy: []}\n"
				     "server:\n"
				     "  listen: 1\n";

static void all_errors_are_told_at_once(void **state)
{
	(void) state;
	assert_findings(
	    load_text(full_of_errors), F ":3: pw.pw_emu.gdb: must be a list of strings, not a string",
	    F ":4: pw.pw_emu.target_files: must be a list of strings, not a map",
	    F ":5: pw.pw_emu.emulators.a: must be a map, not an integer",
	    F ":7: pw.pw_emu.toy.executable: must be a string, not an integer: put it in quotes",
	    F ":8: pw.pw_emu.toy.args[1]: must be a string, not an integer: put it in quotes",
	    F ":8: pw.pw_emu.toy.args[2]: must be a string, not a map",
	    F ":9: pw.pw_emu.toy.channels.type: must be \"tcp\" or \"pty\", not \"usb\"",
	    F ":10: pw.pw_emu.toy.fast: must be true or false, not a string",
	    F ":11: pw.pw_emu.toy.cores: must not be negative",
	    F ":12: pw.pw_emu.toy.delay: must be a number, not a string",
	    F ":15: pw.pw_emu.targets.t.gdb[0]: must be a string, not an integer: put it in quotes",
	    F ":16: pw.pw_emu.targets.t.pre-start-cmds: must be a map, not a list",
	    F ":17: pw.pw_emu.targets.t.post-start-cmds.c: must be a list of strings, not a string",
	    F ":18: pw.pw_emu.targets.t.toy.machine: is required",
	    F ":19: pw.pw_emu.targets.t.toy.channels.lines.u.id: is required",
	    F
	    ":19: pw.pw_emu.targets.t.toy.channels.lines.u.type: must be \"tcp\" or \"pty\", not an integer",
	    F ":19: pw.pw_emu.targets.t.toy.channels.lines.v: must be a map, not a string",
	    F ":19: pw.pw_emu.targets.t.toy.channels.type: must be \"tcp\" or \"pty\", not null",
	    F ":20: pw.pw_emu.targets.empty: names no emulator: a section such as \"toy\" is required",
	    F ":21: pw.pw_emu.targets.number: must be a map, not an integer",
	    F ":22: pw.pw_emu.targets.nil.toy.machine: must not be empty",
	    F ":23: pw.pw_emu.targets.list.toy: must be a map, not a list",
	    F ":25: server.listen: must be a string, not an integer: put it in quotes", NULL);
}

static void numbers_are_not_negative(void **state)
{
	(void) state;
	assert_findings(load_text("pw: {pw_emu: {toy: {cores: -1, delay: -0.5}}}"),
			F ":1: pw.pw_emu.toy.cores: must not be negative",
			F ":1: pw.pw_emu.toy.delay: must not be negative", NULL);
}

static void json_errors_have_lines_and_keys_as_well(void **state)
{
	(void) state;
	assert_findings(
	    load_text("{\n\t\"pw\": {\n\t\t\"pw_emu\": {\n\t\t\t\"targets\": {\n\t\t\t\t\"t\": {\n"
		      "\t\t\t\t\t\"toy\": {\n\t\t\t\t\t\t\"executable\": \"a\\/b\",\n"
		      "\t\t\t\t\t\t\"machine\": null}}}}}}"),
	    F ":8: pw.pw_emu.targets.t.toy.machine: must be a string, not null", NULL);
}

static void a_key_missing_at_both_levels_is_told(void **state)
{
	(void) state;
	assert_findings(load_text("pw:\n  pw_emu:\n    targets:\n      t:\n        toy: {machine: m}\n"),
			F ":5: pw.pw_emu.targets.t.toy.executable: is required here or at pw.pw_emu.toy",
			NULL);
}

static void what_an_emulator_says_of_a_key_is_told_there(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n  pw_emu:\n    targets:\n      t:\n        toy:\n          machine: m\n"
		      "          executable: e\n          channels:\n            lines:\n"
		      "              a.b:\n                type: pty\n                id: taken\n"),
	    F ":12: pw.pw_emu.targets.t.toy.channels.lines.a.b.id: is taken", NULL);
}

static void a_broken_emulator_section_brings_no_further_errors(void **state)
{
	(void) state;
	assert_findings(load_text("pw:\n  pw_emu:\n    toy: []\n    targets: {t: {toy: {machine: m}}}\n"),
			F ":3: pw.pw_emu.toy: must be a map, not a list", NULL);
}

static void unknown_keys_are_warned_of_where_they_matter(void **state)
{
	(void) state;
	struct loaded loaded =
	    load_text("other: {gbd: 1}\n"
		      "pw:\n"
		      "  pw_other: 2\n"
		      "  pw_emu:\n"
		      "    gbd: []\n"
		      "    toy: {executables: x, channels: {tipe: tcp}}\n"
		      "    channels.type: x\n"
		      "    targets:\n"
		      "      t:\n"
		      "        pre-start-cmd: {}\n"
		      "        tyo: {}\n"
		      "        toy: {machine: m, executable: e, zzzzzzzz: 1, free: {any: 1},\n"
		      "              channels: {lines: {u: {id: i, tpye: pty}}}}\n"
		      "server:\n"
		      "  limits: {console_byte: 1}\n"
		      "  limits.instances: -1\n");
	assert_non_null(loaded.config);
	assert_findings(
	    loaded, F ":5: pw.pw_emu.gbd: unknown key, did you mean \"gdb\"?",
	    F ":6: pw.pw_emu.toy.executables: unknown key, did you mean \"executable\"?",
	    F ":6: pw.pw_emu.toy.channels.tipe: unknown key, did you mean \"type\"?",
	    F ":7: pw.pw_emu.channels.type: unknown key",
	    F ":10: pw.pw_emu.targets.t.pre-start-cmd: unknown key, did you mean \"pre-start-cmds\"?",
	    F ":11: pw.pw_emu.targets.t.tyo: unknown key, did you mean \"toy\"?",
	    F ":12: pw.pw_emu.targets.t.toy.zzzzzzzz: unknown key",
	    F ":13: pw.pw_emu.targets.t.toy.channels.lines.u.tpye: unknown key, did you mean \"type\"?",
	    F ":15: server.limits.console_byte: unknown key, did you mean \"console_bytes\"?",
	    F ":16: server.limits.instances: unknown key", NULL);
}

static void sections_of_the_wrong_type_are_told(void **state)
{
	(void) state;
	assert_findings(load_text("pw: 1\nserver: []\n"), F ":1: pw: must be a map, not an integer",
			F ":2: server: must be a map, not a list", NULL);
	assert_findings(load_text("pw: {pw_emu: x}\n"), F ":1: pw.pw_emu: must be a map, not a string", NULL);
	assert_findings(load_text("pw: {pw_emu: {targets: []}}\n"),
			F ":1: pw.pw_emu.targets: must be a map, not a list", NULL);
	assert_findings(load_text("pw: {pw_emu: {targets: {'': {toy: {machine: m, executable: e}}}}}\n"),
			F ":1: pw.pw_emu.targets.: a target needs a name", NULL);
}

static void without_targets_there_are_none(void **state)
{
	(void) state;
	const char *const texts[] = {
	    "", "{}", "server: {}", "pw: {}", "{\"pw\": {\"pw_emu\": {}}}", "pw: {pw_emu: {targets: {}}}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct loaded loaded = load_clean(texts[i]);
		assert_null(config_target_names(loaded.config)[0]);
		assert_false(config_has_target(loaded.config, "t"));
		assert_json(config_as_pw(loaded.config), "{\"pw\":{\"pw_emu\":{\"targets\":{}}}}");
		loaded_finish(&loaded);
	}
}

static void names_cannot_break_a_line_of_the_log(void **state)
{
	(void) state;
	assert_findings(load_text("pw: {pw_emu: {\"a\\nb\\e\": 1}}"), F ":1: pw.pw_emu.a?b?: unknown key",
			NULL);
}

static void long_paths_are_cut(void **state)
{
	(void) state;
	char text[2048] = "pw: {pw_emu: {? \"";
	memset(text + strlen(text), 'k', 1500);
	strcat(text, "\" : 1}}");
	struct loaded loaded = load_text(text);
	assert_int_equal(loaded.report.count, 1);
	const char *key = loaded.report.problems[0].key;
	assert_int_equal(strlen(key), PLACE_PATH_SIZE - 1);
	assert_string_equal(key + strlen(key) - 4, "k...");
	loaded_finish(&loaded);
}

static void a_configuration_lives_until_its_last_reference(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(pigweed_json);
	struct config *second = config_ref(loaded.config);
	loaded_finish(&loaded);
	assert_string_equal(config_target_names(second)[0], "alpha");
	config_unref(second);
	config_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_projects_own_file_is_read),
	    cmocka_unit_test(a_target_is_resolved_for_its_launcher),
	    cmocka_unit_test(an_empty_gdb_of_a_target_counts_as_none),
	    cmocka_unit_test(what_is_not_there_is_told),
	    cmocka_unit_test(emulators_that_are_not_built_in_do_no_harm),
	    cmocka_unit_test(a_declared_driver_makes_an_emulator),
	    cmocka_unit_test(what_is_wrong_with_a_driver_is_told),
	    cmocka_unit_test(helpers_may_name_what_a_driver_offers),
	    cmocka_unit_test(a_built_in_emulator_cannot_be_replaced),
	    cmocka_unit_test(all_errors_are_told_at_once),
	    cmocka_unit_test(numbers_are_not_negative),
	    cmocka_unit_test(json_errors_have_lines_and_keys_as_well),
	    cmocka_unit_test(a_key_missing_at_both_levels_is_told),
	    cmocka_unit_test(what_an_emulator_says_of_a_key_is_told_there),
	    cmocka_unit_test(a_broken_emulator_section_brings_no_further_errors),
	    cmocka_unit_test(unknown_keys_are_warned_of_where_they_matter),
	    cmocka_unit_test(sections_of_the_wrong_type_are_told),
	    cmocka_unit_test(without_targets_there_are_none),
	    cmocka_unit_test(names_cannot_break_a_line_of_the_log),
	    cmocka_unit_test(long_paths_are_cut),
	    cmocka_unit_test(a_configuration_lives_until_its_last_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
