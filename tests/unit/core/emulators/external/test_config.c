#include "core/emulators/external/external.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/emulators/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
	json_t *json = json_parse(text, strlen(text), NULL);
	assert_non_null(json);
	return json;
}

static json_t *resolve(const char *declaration_text, const char *common_text, const char *own_text,
		       struct error *error)
{
	cleanup_json json_t *declaration = parse(declaration_text);
	cleanup_json json_t *common = common_text ? parse(common_text) : NULL;
	cleanup_json json_t *own = own_text ? parse(own_text) : NULL;
	return external_config.resolve_declared(declaration, common, own, error);
}

static void assert_settings(json_t *settings, const char *wanted_text)
{
	cleanup_json json_t *found = settings;
	cleanup_json json_t *wanted = parse(wanted_text);
	cleanup_free char *text = json_dumps(found, JSON_COMPACT);
	if (!json_equal(found, wanted))
		fail_msg("found %s", text);
}

static void sections_are_merged_and_the_targets_wins(void **state)
{
	(void) state;
	assert_settings(
	    resolve("{\"driver\":[\"python3\",\"/opt/x/driver.py\"],\"read_paths\":[\"/srv\"]}",
		    "{\"a\":1,\"deep\":{\"x\":1,\"y\":[1,2]},\"machine\":\"m1\"}",
		    "{\"b\":2,\"deep\":{\"y\":[3]},\"machine\":\"m2\",\"executable\":\"emu\"}", NULL),
	    "{\"driver\":[\"python3\",\"/opt/x/driver.py\"],\"executable\":\"emu\",\"machine\":\"m2\","
	    "\"read_paths\":[\"/srv\",\"/opt/x\"],\"section\":{\"a\":1,\"b\":2,\"deep\":{\"x\":1,\"y\":[3]},"
	    "\"machine\":\"m2\",\"executable\":\"emu\"}}");
}

static void little_is_needed(void **state)
{
	(void) state;
	assert_settings(
	    resolve("{\"driver\":[\"/driver\"]}", NULL, "{\"machine\":{\"not\":\"a string\"}}", NULL),
	    "{\"driver\":[\"/driver\"],\"executable\":\"/driver\",\"read_paths\":[],"
	    "\"section\":{\"machine\":{\"not\":\"a string\"}}}");
}

static void what_makes_no_sense_is_refused_with_its_key(void **state)
{
	static const char fine[] = "{\"driver\":[\"d\"]}";
	static const char *const wrong[][3] = {
	    {"{\"driver\":[]}", "{}", "the driver of its emulator names no program"},
	    {"{\"driver\":[\"\"]}", "{}", "the driver of its emulator names no program"},
	    {"{\"driver\":[\"d\"],\"read_paths\":[\"opt\"]}", "{}",
	     "the read_paths of its emulator must be absolute paths, not \"opt\""},
	    {fine, "{\"executable\":\"\"}", "executable: must be the name of a program"},
	    {fine, "{\"executable\":1}", "executable: must be the name of a program"},
	    {fine, "{\"channels\":[]}", "channels: must be a map"},
	    {fine, "{\"channels\":{\"u\":1}}", "channels.u: must be a map"},
	    {fine, "{\"channels\":{\"u\":{\"type\":\"usb\"}}}",
	     "channels.u.type: must be \"tcp\" or \"pty\""},
	    {fine, "{\"channels\":{\"u\":{\"kind\":\"radio\"}}}",
	     "channels.u.kind: must be \"console\", \"gdb\", \"monitor\" or \"control\""},
	};
	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error error = {0};
		assert_null(resolve(wrong[i][0], NULL, wrong[i][1], &error));
		assert_string_equal(error.message, wrong[i][2]);
		assert_string_equal(error.code, "invalid_configuration");
	}
}

static void channels_are_described_where_they_are_declared(void **state)
{
	(void) state;
	cleanup_json json_t *with =
	    resolve("{\"driver\":[\"d\"]}", "{\"channels\":{\"a\":{\"pin\":3}}}",
		    "{\"channels\":{\"g\":{\"kind\":\"gdb\",\"type\":\"pty\"}}}", NULL);
	assert_settings(
	    external_config.describe_channels(with),
	    "{\"a\":{\"kind\":\"console\",\"type\":\"tcp\"},\"g\":{\"kind\":\"gdb\",\"type\":\"pty\"}}");
	cleanup_json json_t *without = resolve("{\"driver\":[\"d\"]}", NULL, NULL, NULL);
	assert_null(external_config.describe_channels(without));
}

static void the_registry_finds_them_by_any_name(void **state)
{
	(void) state;
	assert_ptr_equal(emulator_find("anything"), &external_emulator);
	assert_ptr_equal(emulator_find("external"), &external_emulator);
	assert_false(emulator_is_built_in(&external_emulator));
	assert_true(emulator_is_built_in(emulator_find("qemu")));
}

static void what_cannot_be_run_is_told(void **state)
{
	(void) state;
	cleanup_json json_t *fine = parse("{\"driver\":[\"sh\"]}");
	assert_null(external_emulator.unavailable(fine));
	cleanup_json json_t *missing = parse("{\"driver\":[\"/nowhere/driver\"]}");
	cleanup_free char *reason = external_emulator.unavailable(missing);
	assert_string_equal(reason, "its driver '/nowhere/driver' is not there or cannot be executed");
	cleanup_json json_t *no_emulator = parse("{\"driver\":[\"sh\"],\"executable\":\"no-such-emulator\"}");
	cleanup_free char *other = external_emulator.unavailable(no_emulator);
	assert_string_equal(other, "'no-such-emulator' is not there or cannot be executed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sections_are_merged_and_the_targets_wins),
	    cmocka_unit_test(little_is_needed),
	    cmocka_unit_test(what_makes_no_sense_is_refused_with_its_key),
	    cmocka_unit_test(channels_are_described_where_they_are_declared),
	    cmocka_unit_test(the_registry_finds_them_by_any_name),
	    cmocka_unit_test(what_cannot_be_run_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
