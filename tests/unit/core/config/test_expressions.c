#include "support.h"

#define F MAIN_FILE
#define TOY "toy: {machine: m, executable: e, channels: {lines: {uart: {id: a}, modem: {id: b, type: pty}}}}"

static void environment_variables_are_put_in_everywhere(void **state)
{
	(void) state;
	struct loaded loaded = load_clean(
	    "server: {log_level: '$pw_env{CONFIG_TEST_LEVEL}', hosts: ['$pw_env{CONFIG_TEST_A}.org']}\n"
	    "pw:\n"
	    "  pw_emu:\n"
	    "    gdb: ['$pw_env{CONFIG_TEST_A}-$pw_env{CONFIG_TEST_B}-$pw_env{CONFIG_TEST_A}']\n"
	    "    toy: {executable: '/$pw_env{CONFIG_TEST_A}/bin'}\n"
	    "    targets:\n"
	    "      t:\n"
	    "        pre-start-cmds: {h: ['$pw_env{CONFIG_TEST_A}', '$pw_emu_wdir{$pw_env}']}\n"
	    "        toy: {machine: 'm$pw_env{CONFIG_TEST_EMPTY}'}\n");
	assert_string_equal(config_server(loaded.config)->log_level, "debug");
	assert_string_equal(config_server(loaded.config)->hosts[0], "one.org");
	assert_json(config_as_pw(loaded.config),
		    "{\"pw\":{\"pw_emu\":{\"gdb\":[\"one-$pw_env{CONFIG_TEST_A}-one\"],"
		    "\"toy\":{\"executable\":\"/one/bin\"},\"targets\":{\"t\":{\"pre-start-cmds\":"
		    "{\"h\":[\"one\",\"$pw_emu_wdir{$pw_env}\"]},\"toy\":{\"machine\":\"m\"}}}}}}");
	loaded_finish(&loaded);
}

static void every_expression_that_cannot_be_resolved_is_told(void **state)
{
	(void) state;
	assert_findings(
	    load_text("server:\n"
		      "  state_dir: $pw_env{NOT_SET_1}\n"
		      "pw:\n"
		      "  pw_emu:\n"
		      "    gdb:\n"
		      "    - $pw_env{NOT_SET_1} $pw_env{NOT_SET_2}\n"
		      "    - $pw_envv{A} $pw_emu_wdir{x}\n"
		      "    targets:\n"
		      "      t:\n"
		      "        pre-start-cmds:\n"
		      "          h: [a, '$pw_env{open', '$pw_emu_wdri{x}']\n"
		      "        toy: {machine: '$pw_emu_channel_port{uart}', executable: "
		      "'$pw_env{CONFIG_TEST_LATIN}'}\n"),
	    F ":2: server.state_dir: the environment variable NOT_SET_1 is not set",
	    F ":6: pw.pw_emu.gdb[0]: the environment variable NOT_SET_1 is not set",
	    F ":6: pw.pw_emu.gdb[0]: the environment variable NOT_SET_2 is not set",
	    F ":7: pw.pw_emu.gdb[1]: unknown substitution $pw_envv{...}, did you mean $pw_env{...}?",
	    F ":7: pw.pw_emu.gdb[1]: $pw_emu_wdir{...} has a meaning in helper commands only",
	    F ":11: pw.pw_emu.targets.t.pre-start-cmds.h[1]: \"$pw_env{open\" has no closing brace",
	    F ":11: pw.pw_emu.targets.t.pre-start-cmds.h[2]: unknown substitution $pw_emu_wdri{...}, did you "
	      "mean "
	      "$pw_emu_wdir{...}?",
	    F ":12: pw.pw_emu.targets.t.toy.machine: $pw_emu_channel_port{...} has a meaning in helper "
	      "commands "
	      "only",
	    F ":12: pw.pw_emu.targets.t.toy.executable: the environment variable CONFIG_TEST_LATIN is not "
	      "UTF-8 "
	      "text",
	    NULL);
}

static void channels_that_helpers_name_must_be_there(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n"
		      "  pw_emu:\n"
		      "    targets:\n"
		      "      t:\n"
		      "        pre-start-cmds:\n"
		      "          good: ['$pw_emu_channel_host{uart}:$pw_emu_channel_port{uart}',\n"
		      "                 '$pw_emu_channel_path{modem} $pw_emu_channel_port{gdb}']\n"
		      "          bad: [x, '$pw_emu_channel_port{modem}', '$pw_emu_channel_host{modem}']\n"
		      "        post-start-cmds:\n"
		      "          worse: ['$pw_emu_channel_path{uart} $pw_emu_channel_port{urat}',\n"
		      "                  '$pw_emu_channel_port{something-else}']\n"
		      "        " TOY "\n"),
	    F ":8: pw.pw_emu.targets.t.pre-start-cmds.bad[1]: $pw_emu_channel_port{modem}: the channel is "
	      "a pty one and has no port",
	    F ":8: pw.pw_emu.targets.t.pre-start-cmds.bad[2]: $pw_emu_channel_host{modem}: the channel is "
	      "a pty one and has no host",
	    F ":10: pw.pw_emu.targets.t.post-start-cmds.worse[0]: $pw_emu_channel_path{uart}: the channel "
	      "is a tcp one and has no path",
	    F ":10: pw.pw_emu.targets.t.post-start-cmds.worse[0]: $pw_emu_channel_port{urat}: the target "
	      "has no such channel, did you mean \"uart\"?",
	    F ":11: pw.pw_emu.targets.t.post-start-cmds.worse[1]: $pw_emu_channel_port{something-else}: "
	      "the target has no such channel",
	    NULL);
}

static void a_channel_may_be_that_of_an_emulator_not_built_in(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw: {pw_emu: {emulators: {other: {launcher: x}}, targets: {t: {pre-start-cmds: "
		      "{h: ['$pw_emu_channel_port{robot}']}, other: {machine: r}, " TOY "}}}}"),
	    NULL);
}

static void ids_of_helpers_must_make_good_file_names(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n"
		      "  pw_emu:\n"
		      "    targets:\n"
		      "      t:\n"
		      "        pre-start-cmds:\n"
		      "          a/b: [x]\n"
		      "          .hidden: [x]\n"
		      "          '': [x]\n"
		      "          toy: [x]\n"
		      "          other: [x]\n"
		      "          shim: [x]\n"
		      "          both: [x]\n"
		      "        post-start-cmds:\n"
		      "          both: [x]\n"
		      "          none: []\n"
		      "          blank: ['']\n"
		      "        " TOY "\n"),
	    F
	    ":6: pw.pw_emu.targets.t.pre-start-cmds.a/b: the id \"a/b\" must not contain a slash or control "
	    "characters, since it names files",
	    F
	    ":7: pw.pw_emu.targets.t.pre-start-cmds..hidden: the id \".hidden\" begins with a dot, but names "
	    "files",
	    F ":8: pw.pw_emu.targets.t.pre-start-cmds.: the id \"\" is empty, but names files",
	    F ":9: pw.pw_emu.targets.t.pre-start-cmds.toy: the id is the name of the emulator's own process",
	    F
	    ":11: pw.pw_emu.targets.t.pre-start-cmds.shim: the id \"shim\" is the name of emud's own process",
	    F ":14: pw.pw_emu.targets.t.post-start-cmds.both: the id stands in pre-start-cmds, too",
	    F ":15: pw.pw_emu.targets.t.post-start-cmds.none: the command names no program",
	    F ":16: pw.pw_emu.targets.t.post-start-cmds.blank: the command names no program", NULL);
}

static void names_of_channels_must_make_good_file_names(void **state)
{
	(void) state;
	assert_findings(
	    load_text("pw:\n  pw_emu:\n    toy: {executable: e}\n    targets:\n      t:\n        toy:\n"
		      "          machine: m\n          channels: {lines: {../x: {id: a}, spec.json: {id: b}, "
		      "starts: {id: c}, ok.1: {id: d}}}\n"),
	    F ":6: pw.pw_emu.targets.t.toy: the channel's name \"../x\" begins with a dot, but names files",
	    F
	    ":6: pw.pw_emu.targets.t.toy: the channel's name \"spec.json\" ends like a file that emud keeps "
	    "for the instance",
	    F ":6: pw.pw_emu.targets.t.toy: the channel's name \"starts\" is the name of a folder that emud "
	      "keeps "
	      "for the instance",
	    NULL);
}

static int set_environment(void **state)
{
	(void) state;
	setenv("CONFIG_TEST_A", "one", 1);
	setenv("CONFIG_TEST_B", "$pw_env{CONFIG_TEST_A}", 1);
	setenv("CONFIG_TEST_LEVEL", "debug", 1);
	setenv("CONFIG_TEST_EMPTY", "", 1);
	return setenv("CONFIG_TEST_LATIN", "\xe4", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(environment_variables_are_put_in_everywhere),
	    cmocka_unit_test(every_expression_that_cannot_be_resolved_is_told),
	    cmocka_unit_test(channels_that_helpers_name_must_be_there),
	    cmocka_unit_test(a_channel_may_be_that_of_an_emulator_not_built_in),
	    cmocka_unit_test(ids_of_helpers_must_make_good_file_names),
	    cmocka_unit_test(names_of_channels_must_make_good_file_names),
	};
	return cmocka_run_group_tests(tests, set_environment, NULL);
}
