#include "support.h"

#define F MAIN_FILE

static const char *machine_of(const struct config *config, const char *target)
{
	static char machine[64];
	json_t *resolved = config_resolve(config, target, NULL, NULL);
	assert_non_null(resolved);
	snprintf(machine, sizeof(machine), "%s",
		 json_string_value(json_object_get(json_object_get(resolved, "settings"), "machine")));
	json_decref(resolved);
	return machine;
}

static const char main_text[] = "pw:\n"
				"  pw_emu:\n"
				"    toy: {executable: e}\n"
				"    target_files: [one.json, '$pw_env{CONFIG_TEST_FOLDER}/two.yaml']\n"
				"    targets: {a: {toy: {machine: main}}}\n";

static const struct memory_file target_files[] = {
    {"/project/one.json",
     "{\"targets\": {\"a\": {\"toy\": {\"machine\": \"one\"}},\n"
     "\"b\": {\"toy\": {\"machine\": \"one\"}}, \"c\": {\"toy\": {\"machine\": \"one\"}}}}"},
    {"/elsewhere/two.yaml", "targets:\n  b: {toy: {machine: two}}\n  a: {toy: {machine: two}}\n"},
    {NULL, NULL},
};

static void the_main_file_wins_and_later_files_win_over_earlier_ones(void **state)
{
	(void) state;
	struct loaded loaded = load_files(main_text, target_files);
	assert_non_null(loaded.config);
	assert_string_equal(machine_of(loaded.config, "a"), "main");
	assert_string_equal(machine_of(loaded.config, "b"), "two");
	assert_string_equal(machine_of(loaded.config, "c"), "one");
	assert_string_equal(config_target_source(loaded.config, "a"), F);
	assert_string_equal(config_target_source(loaded.config, "b"), "/elsewhere/two.yaml");
	assert_string_equal(config_target_source(loaded.config, "c"), "/project/one.json");
	assert_findings(loaded, NULL);
}

static void everything_comes_as_one_tree_for_pw_emu(void **state)
{
	(void) state;
	struct loaded loaded = load_files(main_text, target_files);
	assert_json(config_as_pw(loaded.config),
		    "{\"pw\":{\"pw_emu\":{\"toy\":{\"executable\":\"e\"},\"targets\":{"
		    "\"a\":{\"toy\":{\"machine\":\"main\"}},\"b\":{\"toy\":{\"machine\":\"two\"}},"
		    "\"c\":{\"toy\":{\"machine\":\"one\"}}}}}}");
	assert_findings(loaded, NULL);
}

static void errors_name_the_file_they_are_in(void **state)
{
	(void) state;
	const struct memory_file files[] = {
	    {"/project/one.json", "{\"targets\": {\n\"t\": {\n\"toy\": {\"machine\": 1}}}}"},
	    {"/project/two.yaml", "targets:\n  u:\n   toy: {\n"},
	    {"/project/three.yaml", "target: {}\n"},
	    {NULL, NULL},
	};
	assert_findings(
	    load_files("pw:\n  pw_emu:\n    target_files:\n     - one.json\n     - two.yaml\n"
		       "     - three.yaml\n     - none.json\n     - 5\n     - $pw_env{NOT_SET_ANYWHERE}\n",
		       files),
	    "/project/one.json:3: targets.t.toy.machine: must be a string, not an integer: put it in "
	    "quotes",
	    "/project/two.yaml:4: invalid YAML: did not find expected node content while parsing a "
	    "flow node",
	    "/project/three.yaml:1: target: unknown key, did you mean \"targets\"?",
	    "/project/three.yaml:1: targets: is required",
	    F ":7: pw.pw_emu.target_files[3]: cannot open /project/none.json: no such file",
	    F ":8: pw.pw_emu.target_files[4]: must be a string, not an integer: put it in quotes",
	    F ":9: pw.pw_emu.target_files[5]: the environment variable NOT_SET_ANYWHERE is not set", NULL);
}

static void a_target_that_is_overridden_is_not_looked_into(void **state)
{
	(void) state;
	const struct memory_file files[] = {
	    {"/project/one.json",
	     "{\"targets\": {\"a\": {\"toy\": {\"machine\": \"$pw_env{NOT_SET_ANYWHERE}\"}}}}"},
	    {NULL, NULL},
	};
	assert_findings(load_files("pw: {pw_emu: {target_files: [one.json], targets: {a: {toy: {machine: m, "
				   "executable: e}}}}}",
				   files),
			NULL);
}

static void a_file_named_twice_gives_its_targets_once(void **state)
{
	(void) state;
	struct loaded loaded = load_files(
	    "pw: {pw_emu: {toy: {executable: e}, target_files: [one.json, one.json]}}", target_files);
	assert_non_null(loaded.config);
	assert_string_equal(config_target_names(loaded.config)[2], "c");
	assert_null(config_target_names(loaded.config)[3]);
	assert_findings(loaded, NULL);
}

static int set_environment(void **state)
{
	(void) state;
	return setenv("CONFIG_TEST_FOLDER", "/elsewhere", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_main_file_wins_and_later_files_win_over_earlier_ones),
	    cmocka_unit_test(everything_comes_as_one_tree_for_pw_emu),
	    cmocka_unit_test(errors_name_the_file_they_are_in),
	    cmocka_unit_test(a_target_that_is_overridden_is_not_looked_into),
	    cmocka_unit_test(a_file_named_twice_gives_its_targets_once),
	};
	return cmocka_run_group_tests(tests, set_environment, NULL);
}
