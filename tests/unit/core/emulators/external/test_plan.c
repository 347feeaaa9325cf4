#include "core/emulators/external/plan.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
	json_t *json = json_parse(text, strlen(text), NULL);
	if (!json)
		fail_msg("the test's own JSON: %s", text);
	return json;
}

static struct external_plan plan_of(const char *text, const char *declared_text)
{
	struct external_plan plan = {0};
	struct error error = {0};
	cleanup_json json_t *body = parse(text);
	cleanup_json json_t *declared = declared_text ? parse(declared_text) : NULL;
	if (external_plan_parse(body, declared, &plan, &error) < 0)
		fail_msg("%s", error.message);
	return plan;
}

static void assert_refused(const char *text, const char *declared_text, const char *words)
{
	struct external_plan plan = {0};
	struct error error = {0};
	cleanup_json json_t *body = parse(text);
	cleanup_json json_t *declared = declared_text ? parse(declared_text) : NULL;
	assert_true(external_plan_parse(body, declared, &plan, &error) < 0);
	assert_string_equal(error.message, words);
	assert_null(plan.argv);
	assert_int_equal(plan.count, 0);
}

#define COMMAND "\"command\":[\"emu\",\"-x\"]"
#define ONE(channel) "{" COMMAND ",\"channels\":{\"uart\":" channel "}}"

static void a_command_needs_no_channels(void **state)
{
	(void) state;
	struct external_plan plan =
	    plan_of("{" COMMAND ",\"environment\":{\"A\":\"1\",\"B\":\"\"},\"new\":1}", NULL);
	assert_string_equal(plan.argv[0], "emu");
	assert_string_equal(plan.argv[1], "-x");
	assert_null(plan.argv[2]);
	assert_string_equal(plan.environment[0], "A=1");
	assert_string_equal(plan.environment[1], "B=");
	assert_null(plan.environment[2]);
	assert_int_equal(plan.count, 0);
	external_plan_finish(&plan);
}

static void channels_are_read_with_their_defaults(void **state)
{
	(void) state;
	struct external_plan plan = plan_of(
	    "{" COMMAND ",\"channels\":{\"a\":{\"via\":\"files\"},\"b\":{\"via\":\"unix\",\"type\":\"pty\","
	    "\"socket\":\"b.sock\"},\"g\":{\"kind\":\"gdb\",\"via\":\"tcp\",\"port\":1234},"
	    "\"m\":{\"kind\":\"monitor\",\"via\":\"unix\"}}}",
	    NULL);
	assert_int_equal(plan.count, 4);
	assert_string_equal(plan.channels[0].name, "a");
	assert_int_equal(plan.channels[0].kind, CHANNEL_CONSOLE);
	assert_false(plan.channels[0].pty);
	assert_true(plan.channels[1].pty);
	assert_string_equal(plan.offers[1].socket, "b.sock");
	assert_int_equal(plan.channels[2].kind, CHANNEL_GDB);
	assert_int_equal(plan.offers[2].port, 1234);
	assert_false(plan.channels[2].refuse_http);
	assert_true(plan.channels[3].refuse_http);
	external_plan_finish(&plan);
}

static void the_targets_own_type_and_kind_win(void **state)
{
	(void) state;
	struct external_plan plan = plan_of(ONE("{\"via\":\"tcp\",\"type\":\"tcp\"}"),
					    "{\"uart\":{\"type\":\"pty\",\"kind\":\"gdb\"}}");
	assert_true(plan.channels[0].pty);
	assert_int_equal(plan.channels[0].kind, CHANNEL_GDB);
	external_plan_finish(&plan);
	assert_refused(ONE("{\"via\":\"tcp\",\"kind\":\"console\"}"), "{\"uart\":{\"kind\":\"gdb\"}}",
		       "offers the channel \"uart\", whose \"kind\" is another than the target declares");
	assert_refused("{" COMMAND "}", "{\"uart\":{}}",
		       "offers no channel \"uart\", which the target declares");
}

static void what_is_told_later_completes_the_plan(void **state)
{
	(void) state;
	struct error error;
	struct external_plan plan =
	    plan_of("{" COMMAND ",\"channels\":{\"t\":{\"via\":\"tcp\"},\"p\":{\"via\":\"pty\"},"
		    "\"u\":{\"via\":\"unix\",\"socket\":\"old.sock\"},\"f\":{\"via\":\"files\"}}}",
		    NULL);
	assert_true(external_plan_complete(&plan, NULL, &error) < 0);
	assert_string_equal(
	    error.message, "offers the channel \"t\", but has not told its \"socket\", \"port\" or \"path\"");
	cleanup_json json_t *wrong = parse("{\"channels\":{\"t\":{\"port\":\"80\"}}}");
	assert_true(external_plan_complete(&plan, wrong, &error) < 0);
	cleanup_json json_t *late = parse("{\"channels\":{\"t\":{\"port\":80},\"p\":{\"path\":\"/dev/pts/"
					  "12\"},\"u\":{\"socket\":\"new.sock\"},"
					  "\"unknown\":{\"port\":1}}}");
	assert_int_equal(external_plan_complete(&plan, late, &error), 0);
	assert_int_equal(plan.offers[0].port, 80);
	assert_string_equal(plan.offers[1].path, "/dev/pts/12");
	assert_string_equal(plan.offers[2].socket, "new.sock");
	external_plan_finish(&plan);
}

static void lies_are_refused(void **state)
{
	static const char no_command[] =
	    "planned no \"command\" that is a list of strings and names a program";
	static const char no_socket[] = "offers the channel \"uart\", whose \"socket\" is not the name of a "
					"file NAME.sock in the state directory";
	static const char no_pty[] =
	    "offers the channel \"uart\", whose \"path\" is not that of a pty, /dev/pts/N";
	static const char *const wrong[][2] = {
	    {"null", no_command},
	    {"{\"command\":[1]}", no_command},
	    {"{\"command\":[\"\"]}", no_command},
	    {"{\"command\":{\"0\":\"x\"}}", no_command},
	    {"{" COMMAND ",\"environment\":[]}", "planned an \"environment\" that is no map"},
	    {"{" COMMAND ",\"channels\":[]}", "planned \"channels\" that are no map"},
	    {ONE("1"), "offers the channel \"uart\", which is no map"},
	    {ONE("{\"via\":\"files\",\"type\":\"usb\"}"),
	     "offers the channel \"uart\", whose \"type\" is neither \"tcp\" nor \"pty\""},
	    {ONE("{\"via\":\"files\",\"type\":1}"),
	     "offers the channel \"uart\", whose \"type\" is neither \"tcp\" nor \"pty\""},
	    {ONE("{\"via\":\"unix\",\"socket\":\"../x.sock\"}"), no_socket},
	    {ONE("{\"via\":\"unix\",\"socket\":\"/x.sock\"}"), no_socket},
	    {ONE("{\"via\":\"unix\",\"socket\":\".sock\"}"), no_socket},
	    {ONE("{\"via\":\"unix\",\"socket\":\"spec.json\"}"), no_socket},
	    {ONE("{\"via\":\"unix\",\"socket\":\"control.sock\"}"), no_socket},
	    {ONE("{\"via\":\"unix\",\"socket\":7}"), no_socket},
	    {ONE("{\"via\":\"pty\",\"path\":\"/dev/pts/\"}"), no_pty},
	    {ONE("{\"via\":\"pty\",\"path\":\"/dev/pts/1/../../sda\"}"), no_pty},
	    {ONE("{\"via\":\"pty\",\"path\":\"/dev/pts/ptmx\"}"), no_pty},
	    {ONE("{\"via\":\"tcp\",\"port\":65536}"),
	     "offers the channel \"uart\", whose \"port\" is not a number from 1 to 65535"},
	    {"{" COMMAND ",\"channels\":{\"a/b\":{\"via\":\"files\"}}}",
	     "offers a channel whose name \"a/b\" must not contain a slash or control characters, since it "
	     "names files"},
	    {"{" COMMAND ",\"environment\":{\"A=B\":\"x\"}}",
	     "planned the environment variable \"A=B\", which is not a name and a string, or emud's own"},
	    {"{" COMMAND ",\"environment\":{\"A\":1}}",
	     "planned the environment variable \"A\", which is not a name and a string, or emud's own"},
	};
	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_refused(wrong[i][0], NULL, wrong[i][1]);
}

static void there_is_a_limit_of_channels(void **state)
{
	(void) state;
	cleanup_json json_t *body = parse("{" COMMAND ",\"channels\":{}}");
	for (int i = 0; i <= EXTERNAL_CHANNELS_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%d", i);
		json_object_set_new(json_object_get(body, "channels"), name,
				    json_pack("{s:s}", "via", "files"));
	}
	struct external_plan plan = {0};
	struct error error;
	assert_true(external_plan_parse(body, NULL, &plan, &error) < 0);
	assert_string_equal(error.message, "offers more than 64 channels");
	json_object_del(json_object_get(body, "channels"), "c0");
	assert_int_equal(external_plan_parse(body, NULL, &plan, &error), 0);
	external_plan_finish(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_command_needs_no_channels),
	    cmocka_unit_test(channels_are_read_with_their_defaults),
	    cmocka_unit_test(the_targets_own_type_and_kind_win),
	    cmocka_unit_test(what_is_told_later_completes_the_plan),
	    cmocka_unit_test(lies_are_refused),
	    cmocka_unit_test(there_is_a_limit_of_channels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
