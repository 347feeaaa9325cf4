#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "server/api/fields.h"
#include "server/api/run_query.h"
#include "server/api/run_spec.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES = 16 };

/* JSON with apostrophes for quotation marks. */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	struct error error;
	json_t *json = json_parse(copy, strlen(copy), &error);
	if (!json)
		fail_msg("%s: %s", text, error.message);
	free(copy);
	return json;
}

static void expect_normalized(const char *body_text, const char *wanted_text)
{
	struct field_faults faults = {0};
	cleanup_json json_t *body = parse(body_text), *wanted = parse(wanted_text);
	run_spec_check(body, INPUT_BYTES, &faults);
	if (faults.list)
		fail_msg("%s", json_dumps(faults.list, 0));
	cleanup_json json_t *spec = run_spec_normalize(body);
	if (!json_equal(spec, wanted))
		fail_msg("got %s", json_dumps(spec, 0));
}

/* pointers: of all the faults, in order, each with a blank behind it. */
static void expect_faults(const char *body_text, bool is_form, const char *pointers)
{
	struct field_faults faults = {0};
	cleanup_json json_t *body = parse(body_text);
	char got[1024] = "";
	run_spec_check(body, INPUT_BYTES, &faults);
	for (size_t i = 0; i < json_array_size(faults.list); i++) {
		strcat(got, json_member_string(json_array_get(faults.list, i), "pointer", ""));
		strcat(got, " ");
	}
	if (strcmp(got, pointers) != 0 || faults.is_form != is_form)
		fail_msg("%s: got %s", body_text, got);
	json_decref(faults.list);
}

static void expect_form_faults(const char *body, const char *pointers)
{
	expect_faults(body, true, pointers);
}

static void expect_meaning_faults(const char *body, const char *pointers)
{
	expect_faults(body, false, pointers);
}

static void test_defaults_are_filled_in(void **state)
{
	(void) state;
	expect_normalized(
	    "{'target':'t'}",
	    "{'target':'t','args':[],'pass':[],'fail':[],'timeout':300.0,'queue_timeout':3600.0,"
	    "'input':[],'labels':{}}");
}

static void test_what_is_given_is_kept(void **state)
{
	(void) state;
	expect_normalized(
	    "{'target':'t','emulator':'qemu','file':'/a','args':['-x'],'channel':'uart1',"
	    "'pass':['P'],'fail':['F','G'],'timeout':1.5,'idle_timeout':2,'queue_timeout':0,"
	    "'labels':{'a':'b'},'detach':true,'strict':false}",
	    "{'target':'t','emulator':'qemu','file':{'path':'/a'},'args':['-x'],'channel':'uart1',"
	    "'pass':['P'],'fail':['F','G'],'timeout':1.5,'idle_timeout':2.0,'queue_timeout':0.0,"
	    "'input':[],'labels':{'a':'b'}}");
}

static void test_what_is_sent_is_kept_as_base64(void **state)
{
	(void) state;
	expect_normalized(
	    "{'target':'t','file':'sha256:00','input':[{'send':'hi\\n'},"
	    "{'expect':'> $','send_base64':'AP8='}]}",
	    "{'target':'t','file':{'sha256':'00'},'args':[],'pass':[],'fail':[],'timeout':300.0,"
	    "'queue_timeout':3600.0,'labels':{},'input':[{'send_base64':'aGkK'},"
	    "{'expect':'> $','send_base64':'AP8='}]}");
}

static void test_faults_of_form(void **state)
{
	(void) state;
	expect_form_faults("[]", " ");
	expect_form_faults("{}", "/target ");
	expect_form_faults("{'target':1,'pass':'P','fail':[1],'timeout':'60','labels':{'a':1},'bogus':1}",
			   "/target /pass /fail /timeout /labels /bogus ");
	expect_form_faults("{'target':'t','strict':'true','stream':1,'detach':null,'args':'-x','file':3}",
			   "/strict /stream /detach /args /file ");
	expect_form_faults("{'target':'t','idle_timeout':[],'queue_timeout':'','emulator':1,'channel':{}}",
			   "/idle_timeout /queue_timeout /emulator /channel ");
	expect_form_faults("{'target':'t','input':{}}", "/input ");
	expect_form_faults("{'target':'t','input':['x',{'expect':'a'},{'expect':1,'send':2,'sned':3}]}",
			   "/input/0 /input/1/send /input/2/expect /input/2/send /input/2/sned ");
}

static void test_times_out_of_range(void **state)
{
	(void) state;
	expect_meaning_faults("{'target':'t','timeout':0,'idle_timeout':0,'queue_timeout':-0.1}",
			      "/timeout /idle_timeout /queue_timeout ");
	expect_meaning_faults("{'target':'t','timeout':-1,'idle_timeout':-5,'queue_timeout':2678401}",
			      "/timeout /idle_timeout /queue_timeout ");
	expect_meaning_faults("{'target':'t','timeout':1e300,'idle_timeout':2678400.1}",
			      "/timeout /idle_timeout ");
	expect_meaning_faults("{'target':'t','timeout':2678400,'idle_timeout':604800,'queue_timeout':0}", "");
}

static json_t *list_of(size_t count, json_t *item)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append(list, item);
	json_decref(item);
	return list;
}

static void test_too_many_and_too_long_patterns(void **state)
{
	(void) state;
	char regex[RUN_PATTERN_BYTES_MOST + 2];
	memset(regex, 'a', sizeof(regex));
	regex[RUN_PATTERN_BYTES_MOST + 1] = '\0';
	struct field_faults faults = {0};
	cleanup_json json_t *body = json_pack("{s:s, s:o, s:[s, s], s:o}", "target", "t", "pass",
					      list_of(65, json_string("x")), "fail", "", regex, "input",
					      list_of(65, json_pack("{s:s, s:s}", "expect", "", "send", "")));
	run_spec_check(body, INPUT_BYTES, &faults);
	assert_int_equal(json_array_size(faults.list), 1 + 2 + 1 + RUN_PATTERNS_MOST);
	assert_true(faults.is_meaning && !faults.is_form);
	json_decref(faults.list);
	regex[RUN_PATTERN_BYTES_MOST] = '\0';
	cleanup_json json_t *sound = json_pack("{s:s, s:o, s:[s]}", "target", "t", "pass",
					       list_of(64, json_string("x")), "fail", regex);
	faults = (struct field_faults){0};
	run_spec_check(sound, INPUT_BYTES, &faults);
	assert_null(faults.list);
}

static void test_input_that_cannot_be_sent(void **state)
{
	(void) state;
	expect_meaning_faults(
	    "{'target':'t','input':[{'send':'a','send_base64':'YQ=='},{'send_base64':'!'},"
	    "{'send':'0123456789abcdefg'},{'send_base64':'MDEyMzQ1Njc4OWFiY2RlZmc='}]}",
	    "/input/0/send_base64 /input/1/send_base64 /input/2/send /input/3/send_base64 ");
	expect_meaning_faults("{'target':'t','input':[{'send':'0123456789abcdef'}]}", "");
}

static void test_contradictions_and_labels(void **state)
{
	(void) state;
	expect_meaning_faults("{'target':'t','detach':true,'strict':true,'stream':true}", "/strict /stream ");
	expect_meaning_faults("{'target':'t','strict':true,'stream':true}", "");
	expect_meaning_faults("{'target':'t','labels':{'-a':'b'}}", "/labels/-a ");
}

static void test_faults_are_named_after_query_parameters(void **state)
{
	(void) state;
	static const char *const wanted[] = {"?pass/1", "?label/a", "?timeout", "?target"};
	struct field_faults faults = {0};
	field_faults_add(&faults, true, "/pass/1", "a");
	field_faults_add(&faults, true, "/labels/a", "b");
	field_faults_add(&faults, true, "/timeout", "c");
	field_faults_add(&faults, false, "/target", "is required");
	run_query_name_faults(&faults);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(json_member_string(json_array_get(faults.list, i), "pointer", ""),
				    wanted[i]);
	assert_non_null(
	    strstr(json_member_string(json_array_get(faults.list, 3), "detail", ""), "application/json"));
	json_decref(faults.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults_are_filled_in),
	    cmocka_unit_test(test_what_is_given_is_kept),
	    cmocka_unit_test(test_what_is_sent_is_kept_as_base64),
	    cmocka_unit_test(test_faults_of_form),
	    cmocka_unit_test(test_times_out_of_range),
	    cmocka_unit_test(test_too_many_and_too_long_patterns),
	    cmocka_unit_test(test_input_that_cannot_be_sent),
	    cmocka_unit_test(test_contradictions_and_labels),
	    cmocka_unit_test(test_faults_are_named_after_query_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
