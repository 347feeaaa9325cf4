#include "server/runs/junit.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <mxml.h>
#include <stdio.h>
#include <string.h>

/* ---- XML ---- */

/* Without memory a node is NULL, as those below it are: `failed` says so, and all goes on. */
struct document {
	mxml_node_t *root;
	bool has_failed;
};

static void cleanup_mxml_delete(mxml_node_t **node)
{
	mxmlDelete(*node);
}

static mxml_node_t *add_element(struct document *document, mxml_node_t *parent, const char *name)
{
	mxml_node_t *node = parent ? mxmlNewElement(parent, name) : NULL;
	document->has_failed |= !node;
	return node;
}

/* Parsers turn line breaks in attributes into blanks: so they are written as such. */
static void set_attribute(struct document *document, mxml_node_t *node, const char *name, const char *text)
{
	cleanup_free char *visible = text_to_visible(text, strlen(text));
	for (char *at = visible; at && *at; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
	if (visible && node)
		mxmlElementSetAttr(node, name, visible);
	document->has_failed |= !visible || !node || !mxmlElementGetAttr(node, name);
}

static void set_number(struct document *document, mxml_node_t *node, const char *name, size_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%zu", number);
	set_attribute(document, node, name, text);
}

/* Whatever the locale. */
static void format_seconds(double seconds, char *out, size_t out_size)
{
	long long milliseconds = seconds > 0 && seconds < 1e12 ? (long long) (seconds * 1000 + 0.5) : 0;
	snprintf(out, out_size, "%lld.%03lld", milliseconds / 1000, milliseconds % 1000);
}

static void set_seconds(struct document *document, mxml_node_t *node, double seconds)
{
	char text[32];
	format_seconds(seconds, text, sizeof(text));
	set_attribute(document, node, "time", text);
}

/* Line ends are as a parser would tell them. */
static void add_text(struct document *document, mxml_node_t *node, const char *bytes, size_t length)
{
	cleanup_buffer struct buffer lines = {0};
	int result = 0;
	for (size_t at = 0, part; result == 0 && at < length; at += part) {
		const char *end = memchr(bytes + at, '\r', length - at);
		part = end ? (size_t) (end - bytes) - at : length - at;
		result = buffer_append(&lines, bytes + at, part);
		if (!end)
			continue;
		part += at + part + 1 < length && end[1] == '\n' ? 2 : 1;
		if (result == 0)
			result = buffer_append_text(&lines, "\n");
	}
	cleanup_free char *visible =
	    result == 0 ? text_to_visible(lines.length ? lines.data : "", lines.length) : NULL;
	mxml_node_t *text = visible && node ? mxmlNewOpaque(node, visible) : NULL;
	document->has_failed |= !text || !mxmlGetOpaque(text);
}

/* Elements stand on lines of their own; text stays as it is. */
static const char *break_line(mxml_node_t *node, int where)
{
	mxml_node_t *child = mxmlGetFirstChild(node);
	bool has_elements = child && mxmlGetType(child) == MXML_ELEMENT;
	if (where == MXML_WS_BEFORE_OPEN && mxmlGetParent(node))
		return "\n";
	return where == MXML_WS_BEFORE_CLOSE && has_elements ? "\n" : NULL;
}

static char *save(struct document *document, size_t *ret_length)
{
	char *text = NULL;
	FILE *file = document->has_failed ? NULL : open_memstream(&text, ret_length);
	if (!file)
		return NULL;
	mxmlSetWrapMargin(0); /* of this thread */
	bool is_whole = mxmlSaveFile(document->root, file, break_line) == 0 && !ferror(file);
	if (fclose(file) == 0 && is_whole)
		return text;
	free(text);
	return NULL;
}

/* ---- the run ---- */

struct counts {
	size_t tests, failures, errors, skipped;
	double seconds;
};

static void set_counts(struct document *document, mxml_node_t *node, const struct counts *counts)
{
	set_number(document, node, "tests", counts->tests);
	set_number(document, node, "failures", counts->failures);
	set_number(document, node, "errors", counts->errors);
	set_number(document, node, "skipped", counts->skipped);
	set_seconds(document, node, counts->seconds);
}

/* The element that says how the case went, and its text; NULL: it passed. */
static const char *element_of(const json_t *test)
{
	static const char *const elements[][2] = {
	    {"failed", "failure"}, {"error", "error"}, {"skipped", "skipped"}};
	const char *result = json_member_string(test, "result", "");
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (text_equal(elements[i][0], result))
			return elements[i][1];
	return NULL;
}

static void count(struct counts *counts, const json_t *test)
{
	const char *element = element_of(test);
	counts->tests++;
	counts->failures += text_equal(element, "failure");
	counts->errors += text_equal(element, "error");
	counts->skipped += text_equal(element, "skipped");
	counts->seconds += json_member_real(test, "duration", 0);
}

static void add_outcome(struct document *document, mxml_node_t *node, const char *name, const json_t *test)
{
	mxml_node_t *outcome = add_element(document, node, name);
	const char *message = json_member_string(test, "message", "");
	cleanup_free char *first_line = strndup(message, strcspn(message, "\n"));
	if (first_line && message[0])
		set_attribute(document, outcome, "message", first_line);
	if (!text_equal(name, "skipped"))
		set_attribute(document, outcome, "type", json_member_string(test, "type", name));
	if (message[0])
		add_text(document, outcome, message, strlen(message));
	document->has_failed |= !first_line;
}

static void add_case(struct document *document, mxml_node_t *suite, const char *suite_name,
		     const json_t *test)
{
	mxml_node_t *node = add_element(document, suite, "testcase");
	const char *outcome = element_of(test);
	set_attribute(document, node, "name", json_member_string(test, "name", ""));
	set_attribute(document, node, "classname", suite_name);
	if (json_object_get(test, "duration"))
		set_seconds(document, node, json_member_real(test, "duration", 0));
	if (outcome)
		add_outcome(document, node, outcome, test);
}

static void add_property(struct document *document, mxml_node_t *properties, const char *name,
			 const char *value)
{
	if (!value)
		return;
	mxml_node_t *property = add_element(document, properties, "property");
	set_attribute(document, property, "name", name);
	set_attribute(document, property, "value", value);
}

static void add_properties(struct document *document, mxml_node_t *suite, const json_t *run)
{
	static const char *const names[][2] = {{"run", "id"},
					       {"target", "target"},
					       {"verdict", "verdict"},
					       {"reason", "reason"},
					       {"detail", "detail"}};
	const json_t *file = json_object_get(run, "file");
	mxml_node_t *properties = add_element(document, suite, "properties");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_property(document, properties, names[i][0], json_member_string(run, names[i][1], NULL));
	add_property(document, properties, "firmware.sha256", json_member_string(file, "sha256", NULL));
	add_property(document, properties, "firmware.path", json_member_string(file, "path", NULL));
	char seconds[32];
	format_seconds(json_member_real(run, "duration", 0), seconds, sizeof(seconds));
	add_property(document, properties, "duration", seconds);
	const char *key;
	json_t *value;
	json_object_foreach (json_object_get(run, "labels"), key, value) {
		cleanup_free char *name = text_format("label.%s", key);
		document->has_failed |= !name;
		if (name)
			add_property(document, properties, name, json_string_value(value));
	}
}

static const char *time_of(const json_t *run)
{
	return json_member_string(run, "started_at", json_member_string(run, "created_at", NULL));
}

static mxml_node_t *add_suite(struct document *document, const json_t *run, const char *name,
			      const json_t *tests)
{
	mxml_node_t *suite = add_element(document, document->root, "testsuite");
	struct counts counts = {0};
	size_t index;
	const json_t *test;
	json_array_foreach (tests, index, test)
		count(&counts, test);
	set_attribute(document, suite, "name", name);
	set_counts(document, suite, &counts);
	if (time_of(run))
		set_attribute(document, suite, "timestamp", time_of(run));
	set_attribute(document, suite, "hostname", json_member_string(run, "target", ""));
	return suite;
}

struct output {
	const char *bytes;
	size_t length;
	bool is_cut;
};

static void add_output(struct document *document, mxml_node_t *suite, const struct output *output)
{
	static const char note[] = "(the output's beginning is left out here)\n";
	size_t skipped = output->length > JUNIT_OUTPUT_BYTES ? output->length - JUNIT_OUTPUT_BYTES : 0;
	mxml_node_t *node = add_element(document, suite, "system-out");
	if (output->is_cut || skipped)
		add_text(document, node, note, sizeof(note) - 1);
	if (output->length)
		add_text(document, node, output->bytes + skipped, output->length - skipped);
}

/* What is told of the whole run goes with the first suite: so it is there once. */
static void add_suites(struct document *document, const json_t *run, const json_t *suites,
		       const struct output *output)
{
	bool is_first = true;
	const char *name;
	json_t *tests;
	json_object_foreach ((json_t *) suites, name, tests) {
		size_t index;
		const json_t *test;
		mxml_node_t *suite = add_suite(document, run, name, tests);
		if (is_first)
			add_properties(document, suite, run);
		json_array_foreach (tests, index, test)
			add_case(document, suite, name, test);
		if (is_first)
			add_output(document, suite, output);
		is_first = false;
	}
}

/* ---- the cases ---- */

static bool has_bad(const json_t *tests)
{
	struct counts counts = {0};
	size_t index;
	const json_t *test;
	json_array_foreach (tests, index, test)
		count(&counts, test);
	return counts.failures + counts.errors > 0;
}

/* Whether the cases say by themselves what the verdict is. */
static bool is_told(const json_t *run, const json_t *tests)
{
	const char *verdict = json_member_string(run, "verdict", "");
	if (json_array_size(tests) == 0)
		return false;
	return text_equal(verdict, "passed") || (text_equal(verdict, "failed") && has_bad(tests));
}

/* The run as a case. New reference. */
static json_t *make_case(const json_t *run, const char *suite)
{
	const char *verdict = json_member_string(run, "verdict", "error");
	const char *reason = json_member_string(run, "reason", ""),
		   *detail = json_member_string(run, "detail", "");
	bool has_passed = text_equal(verdict, "passed"), has_failed = text_equal(verdict, "failed");
	cleanup_free char *message =
	    text_format("%s%s%s%s%s", verdict, reason[0] ? ": " : "", reason, detail[0] ? "\n" : "", detail);
	if (!message)
		return NULL;
	json_t *test = json_pack("{s:s, s:s, s:s, s:s, s:f}", "suite", suite, "name", "run", "result",
				 has_passed   ? "passed"
				 : has_failed ? "failed"
					      : "error",
				 "type", verdict, "duration", json_member_real(run, "duration", 0));
	if (test && !has_passed && json_object_set_new(test, "message", json_string(message)) < 0) {
		json_decref(test);
		return NULL;
	}
	return test;
}

static int group(json_t *suites, const char *fallback, json_t *test)
{
	const char *name = json_member_string(test, "suite", "");
	name = name[0] ? name : fallback;
	json_t *tests = json_object_get(suites, name);
	if (!tests) {
		tests = json_array();
		if (!tests || json_object_set_new(suites, name, tests) < 0)
			return -ENOMEM;
	}
	return json_array_append(tests, test) < 0 ? -ENOMEM : 0;
}

/* The cases by suite, in the order in which they were first seen (jansson keeps it). New reference. */
static json_t *group_cases(const json_t *run)
{
	const char *target = json_member_string(run, "target", "run");
	const json_t *tests = json_object_get(run, "tests");
	cleanup_json json_t *suites = json_object();
	size_t index;
	json_t *test;
	json_array_foreach (tests, index, test)
		if (!suites || group(suites, target, test) < 0)
			return NULL;
	if (!suites || is_told(run, tests))
		return TAKE(suites);
	cleanup_json json_t *own = make_case(run, target);
	return own && group(suites, target, own) == 0 ? TAKE(suites) : NULL;
}

static void set_root(struct document *document, const json_t *run, const json_t *suites)
{
	struct counts counts = {0};
	const char *name;
	json_t *tests;
	json_object_foreach ((json_t *) suites, name, tests) {
		size_t index;
		const json_t *test;
		json_array_foreach (tests, index, test)
			count(&counts, test);
	}
	cleanup_free char *title = text_format("run %s", json_member_string(run, "id", ""));
	document->has_failed |= !title;
	if (title)
		set_attribute(document, document->root, "name", title);
	counts.seconds = json_member_real(run, "duration", counts.seconds);
	set_counts(document, document->root, &counts);
}

char *junit_write(const json_t *run, const void *output, size_t length, bool is_cut, size_t *ret_length,
		  struct error *error)
{
	mxml_node_t *xml cleanup(cleanup_mxml_delete) = mxmlNewXML("1.0");
	struct document document = {0};
	const struct output shown = {.bytes = output, .length = length, .is_cut = is_cut};
	cleanup_json json_t *suites = group_cases(run);
	if (xml && suites) {
		document.root = add_element(&document, xml, "testsuites");
		set_root(&document, run, suites);
		add_suites(&document, run, suites, &shown);
		struct document whole = {.root = xml, .has_failed = document.has_failed};
		char *text = save(&whole, ret_length);
		if (text)
			return text;
	}
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}
