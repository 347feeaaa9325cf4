/* Every text is held against data/junit.xsd by xmllint, and read back by expat. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/runs/junit.h"

#include "core/base/buffer.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading back ---- */

/* {"element", attributes..., "content": [...], "text"?} */
struct reading {
	json_t *stack[16];
	struct buffer texts[16];
	size_t depth;
};

static void on_start(void *data, const char *name, const char **attributes)
{
	struct reading *reading = data;
	json_t *element = json_pack("{s:s, s:s, s:[]}", "element", name, "text", "", "content");
	assert_non_null(element);
	for (; *attributes; attributes += 2)
		json_object_set_new(element, attributes[0], json_string(attributes[1]));
	json_array_append_new(json_object_get(reading->stack[reading->depth], "content"), element);
	reading->stack[++reading->depth] = element;
}

static void on_end(void *data, const char *name)
{
	struct reading *reading = data;
	(void) name;
	struct buffer *text = &reading->texts[reading->depth];
	if (text->length)
		json_object_set_new(reading->stack[reading->depth], "text",
				    json_stringn(text->data, text->length));
	buffer_clear(text);
	reading->depth--;
}

static void on_text(void *data, const char *text, int length)
{
	struct reading *reading = data;
	assert_int_equal(buffer_append(&reading->texts[reading->depth], text, (size_t) length), 0);
}

static json_t *read_back(const char *text, size_t length)
{
	json_t *document = json_pack("{s:s, s:[]}", "text", "", "content");
	struct reading reading = {.stack = {document}};
	XML_Parser parser = XML_ParserCreate(NULL);
	XML_SetUserData(parser, &reading);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	if (XML_Parse(parser, text, (int) length, 1) != XML_STATUS_OK)
		fail_msg("%s at line %lu of:\n%.*s", XML_ErrorString(XML_GetErrorCode(parser)),
			 XML_GetCurrentLineNumber(parser), (int) length, text);
	XML_ParserFree(parser);
	for (size_t i = 0; i < 16; i++)
		buffer_finish(&reading.texts[i]);
	json_t *root = json_incref(json_array_get(json_object_get(document, "content"), 0));
	json_decref(document);
	return root;
}

static void validate(const char *text, size_t length)
{
	FILE *lint = popen("xmllint --noout --nonet --huge --schema " TEST_DATA "/junit.xsd - 2>&1", "w");
	assert_non_null(lint);
	assert_int_equal(fwrite(text, 1, length, lint), length);
	assert_int_equal(pclose(lint), 0);
}

/* ---- writing ---- */

static json_t *write_and_read(const char *run_text, const void *output, size_t length, bool is_cut)
{
	json_error_t where;
	json_t *run = json_loads(run_text, 0, &where);
	if (!run)
		fail_msg("%s: %s", where.text, run_text);
	size_t written = 0;
	char *text = junit_write(run, output, length, is_cut, &written, NULL);
	assert_non_null(text);
	assert_int_equal(strlen(text), written);
	validate(text, written);
	json_t *read = read_back(text, written);
	free(text);
	json_decref(run);
	return read;
}

static const json_t *child(const json_t *element, size_t index)
{
	const json_t *found = json_array_get(json_object_get(element, "content"), index);
	assert_non_null(found);
	return found;
}

static const json_t *named(const json_t *element, const char *name)
{
	size_t index;
	const json_t *found;
	json_array_foreach (json_object_get(element, "content"), index, found)
		if (strcmp(json_string_value(json_object_get(found, "element")), name) == 0)
			return found;
	return NULL;
}

static void expect(const json_t *element, const char *key, const char *wanted)
{
	const char *found = json_string_value(json_object_get(element, key));
	if (!found || !wanted)
		assert_ptr_equal(found, wanted);
	else
		assert_string_equal(found, wanted);
}

static const char property_missing[] = "(none)";

static const char *property(const json_t *suite, const char *name)
{
	size_t index;
	const json_t *found;
	json_array_foreach (json_object_get(named(suite, "properties"), "content"), index, found)
		if (strcmp(json_string_value(json_object_get(found, "name")), name) == 0)
			return json_string_value(json_object_get(found, "value"));
	return property_missing;
}

#define RUN(verdict, rest) \
	"{\"id\":\"42\",\"target\":\"qemu-lm3s6965evb\",\"verdict\":\"" verdict "\",\"duration\":1.25," \
	"\"created_at\":\"2026-11-22T15:00:00.123Z\",\"file\":{\"sha256\":\"abc123\"}" rest "}"

static void cases_are_grouped_by_suite_in_the_order_they_came(void **state)
{
	(void) state;
	json_t *root = write_and_read(
	    RUN("failed",
		",\"reason\":\"fail_pattern\",\"labels\":{\"branch\":\"main\"},\"tests\":["
		"{\"suite\":\"ring\",\"name\":\"wraps\",\"result\":\"passed\",\"duration\":0.012},"
		"{\"suite\":\"led\",\"name\":\"fades\",\"result\":\"skipped\",\"message\":\"no board\"},"
		"{\"suite\":\"ring\",\"name\":\"drops\",\"result\":\"failed\",\"duration\":0.5,"
		"\"message\":\"ring.c:3: Failure\\nExpected 1\"},"
		"{\"suite\":\"ring\",\"name\":\"hangs\",\"result\":\"error\",\"message\":\"begun and never "
		"ended\"}]"),
	    "booting\r\ndone\n", 14, false);
	expect(root, "element", "testsuites");
	expect(root, "name", "run 42");
	expect(root, "tests", "4");
	expect(root, "failures", "1");
	expect(root, "errors", "1");
	expect(root, "skipped", "1");
	expect(root, "time", "1.250");
	assert_int_equal(json_array_size(json_object_get(root, "content")), 2);
	const json_t *ring = child(root, 0), *led = child(root, 1);
	expect(ring, "name", "ring");
	expect(ring, "tests", "3");
	expect(ring, "time", "0.512");
	expect(ring, "hostname", "qemu-lm3s6965evb");
	expect(ring, "timestamp", "2026-11-22T15:00:00.123Z");
	assert_string_equal(property(ring, "run"), "42");
	assert_string_equal(property(ring, "target"), "qemu-lm3s6965evb");
	assert_string_equal(property(ring, "verdict"), "failed");
	assert_string_equal(property(ring, "reason"), "fail_pattern");
	assert_string_equal(property(ring, "firmware.sha256"), "abc123");
	assert_string_equal(property(ring, "duration"), "1.250");
	assert_string_equal(property(ring, "label.branch"), "main");
	expect(child(ring, 1), "name", "wraps");
	expect(child(ring, 1), "classname", "ring");
	expect(child(ring, 1), "time", "0.012");
	const json_t *failure = named(child(ring, 2), "failure");
	expect(failure, "message", "ring.c:3: Failure");
	expect(failure, "type", "failure");
	expect(failure, "text", "ring.c:3: Failure\nExpected 1");
	expect(child(ring, 3), "time", NULL);
	expect(named(child(ring, 3), "error"), "message", "begun and never ended");
	expect(named(ring, "system-out"), "text", "booting\ndone\n");
	expect(led, "skipped", "1");
	expect(named(child(led, 0), "skipped"), "message", "no board");
	assert_null(named(led, "system-out"));
	json_decref(root);
}

static void a_run_without_cases_is_one_itself(void **state)
{
	(void) state;
	static const struct {
		const char *run, *element, *message;
	} rows[] = {
	    {RUN("passed", ",\"reason\":\"pattern\",\"tests\":[]"), NULL, NULL},
	    {RUN("failed", ",\"reason\":\"guest_exit\",\"detail\":\"code 3\""), "failure",
	     "failed: guest_exit"},
	    {RUN("timed_out", ",\"reason\":\"timeout\""), "error", "timed_out: timeout"},
	    {RUN("crashed", ",\"reason\":null,\"detail\":null,\"tests\":null"), "error", "crashed"},
	    {RUN("not_started", ""), "error", "not_started"},
	    {RUN("canceled", ",\"reason\":\"client_gone\""), "error", "canceled: client_gone"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *root = write_and_read(rows[i].run, NULL, 0, false);
		const json_t *suite = child(root, 0), *test = named(suite, "testcase");
		expect(suite, "name", "qemu-lm3s6965evb");
		expect(suite, "tests", "1");
		expect(test, "name", "run");
		expect(test, "classname", "qemu-lm3s6965evb");
		expect(test, "time", "1.250");
		assert_int_equal(json_array_size(json_object_get(test, "content")), rows[i].element ? 1 : 0);
		if (rows[i].element)
			expect(named(test, rows[i].element), "message", rows[i].message);
		expect(named(suite, "system-out"), "text", "");
		json_decref(root);
	}
}

static void a_verdict_that_no_case_tells_is_one_case_more(void **state)
{
	(void) state;
#define PASSED ",\"tests\":[{\"suite\":\"s\",\"name\":\"n\",\"result\":\"passed\"}]"
#define FAILED ",\"tests\":[{\"suite\":\"s\",\"name\":\"n\",\"result\":\"failed\"}]"
	static const struct {
		const char *run, *tests, *failures, *errors;
	} rows[] = {
	    {RUN("passed", PASSED), "1", "0", "0"},   {RUN("passed", FAILED), "1", "1", "0"},
	    {RUN("failed", FAILED), "1", "1", "0"},   {RUN("failed", PASSED), "2", "1", "0"},
	    {RUN("crashed", PASSED), "2", "0", "1"},  {RUN("timed_out", FAILED), "2", "1", "1"},
	    {RUN("canceled", PASSED), "2", "0", "1"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *root = write_and_read(rows[i].run, NULL, 0, false);
		expect(root, "tests", rows[i].tests);
		expect(root, "failures", rows[i].failures);
		expect(root, "errors", rows[i].errors);
		json_decref(root);
	}
}

static void nothing_in_names_and_messages_gets_out_of_them(void **state)
{
	(void) state;
	static const char hostile[] =
	    "]]><a b=\\\"c\\\" d='e'>&amp;&#0; %s %n \\u0001\\u001b\\n\\t\\r\\ufffe\\u00e9";
	static const char shown[] = "]]><a b=\"c\" d='e'>&amp;&#0; %s %n \\x01\\x1b";
	static const char shown_end[] = "\\x0d\\xef\\xbf\\xbe\xc3\xa9";
	char *run = NULL, *name = NULL, *text = NULL;
	assert_true(asprintf(&run,
			     RUN("failed",
				 ",\"reason\":\"%s\",\"labels\":{\"%s\":\"%s\"},\"tests\":[{\"suite\":\"%s\","
				 "\"name\":\"%s\",\"result\":\"failed\",\"message\":\"%s\"}]"),
			     hostile, hostile, hostile, hostile, hostile, hostile) > 0);
	json_t *parsed = json_loads(run, 0, NULL);
	assert_non_null(parsed);
	size_t length = 0;
	char *written = junit_write(parsed, NULL, 0, false, &length, NULL);
	validate(written, length);
	json_t *root = read_back(written, length);
	assert_true(asprintf(&name, "%s  %s", shown, shown_end) > 0);
	assert_true(asprintf(&text, "%s\n\t\n%s", shown, shown_end + 4) > 0);
	const json_t *suite = child(root, 0), *test = named(suite, "testcase");
	assert_int_equal(json_array_size(json_object_get(root, "content")), 1);
	expect(suite, "name", name);
	expect(test, "name", name);
	expect(test, "classname", name);
	expect(named(test, "failure"), "message", shown);
	expect(named(test, "failure"), "text", text);
	assert_string_equal(property(suite, "reason"), name);
	json_decref(root);
	json_decref(parsed);
	free(written);
	free(run);
	free(name);
	free(text);
}

static void the_console_may_hold_any_byte(void **state)
{
	(void) state;
	char output[256 + 3], wanted[2048] = "";
	for (int i = 0; i < 256; i++)
		output[i] = (char) i;
	memcpy(output + 256, "\r]\r", 3);
	for (int i = 0; i < 256; i++) {
		bool is_plain = i == '\t' || i == '\n' || (i >= ' ' && i < 0x80);
		sprintf(wanted + strlen(wanted), i == '\r' ? "\n" : is_plain ? "%c" : "\\x%02x", i);
	}
	strcat(wanted, "\n]\n");
	json_t *root = write_and_read(RUN("passed", ""), output, sizeof(output), false);
	expect(named(child(root, 0), "system-out"), "text", wanted);
	json_decref(root);
	root = write_and_read(RUN("passed", ""), "]]></system-out><x>&lt;<!--", 27, true);
	expect(named(child(root, 0), "system-out"), "text",
	       "(the output's beginning is left out here)\n]]></system-out><x>&lt;<!--");
	json_decref(root);
}

static void of_much_output_the_end_is_told(void **state)
{
	(void) state;
	size_t length = JUNIT_OUTPUT_BYTES + 10;
	char *output = malloc(length);
	memset(output, '<', length);
	memcpy(output + length - 4, "end\n", 4);
	json_t *root = write_and_read(RUN("passed", ""), output, length, false);
	const json_t *text = json_object_get(named(child(root, 0), "system-out"), "text");
	static const char note[] = "(the output's beginning is left out here)\n";
	assert_int_equal(json_string_length(text), sizeof(note) - 1 + JUNIT_OUTPUT_BYTES);
	assert_int_equal(strncmp(json_string_value(text), note, sizeof(note) - 1), 0);
	assert_string_equal(json_string_value(text) + json_string_length(text) - 5, "<end\n");
	json_decref(root);
	free(output);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cases_are_grouped_by_suite_in_the_order_they_came),
	    cmocka_unit_test(a_run_without_cases_is_one_itself),
	    cmocka_unit_test(a_verdict_that_no_case_tells_is_one_case_more),
	    cmocka_unit_test(nothing_in_names_and_messages_gets_out_of_them),
	    cmocka_unit_test(the_console_may_hold_any_byte),
	    cmocka_unit_test(of_much_output_the_end_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
