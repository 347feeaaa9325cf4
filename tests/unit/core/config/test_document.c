#include "core/base/buffer.h"
#include "core/config/document.h"
#include "core/config/mark.h"
#include "support.h"

struct parsed {
	struct document document;
	struct config_report report;
	int result;
};

static struct parsed parse_bytes(const char *text, size_t length)
{
	struct parsed parsed = {0};
	struct findings findings = {.report = &parsed.report};
	parsed.result = document_parse(&parsed.document, "f", text, length, &findings);
	assert_true((parsed.result < 0) == (findings.error_count > 0));
	return parsed;
}

static struct parsed parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void expect_tree(const char *text, const char *json)
{
	struct parsed parsed = parse(text);
	for (size_t i = 0; i < parsed.report.count; i++)
		print_error("%d: %s\n", parsed.report.problems[i].line, parsed.report.problems[i].message);
	assert_int_equal(parsed.result, 0);
	assert_json(json_incref(parsed.document.root), json);
	document_finish(&parsed.document);
}

/* The finding is the only one. */
static void expect_refusal(struct parsed parsed, const char *line)
{
	document_finish(&parsed.document);
	assert_findings((struct loaded){.report = parsed.report}, line, NULL);
}

static int line_of(const char *text, const char *first, const char *second)
{
	struct parsed parsed = parse(text);
	assert_int_equal(parsed.result, 0);
	struct place root = document_place(&parsed.document);
	struct place outer = place_member(&root, first);
	struct place inner = place_member(&outer, second ? second : "");
	int line = place_line(second ? &inner : &outer);
	document_finish(&parsed.document);
	return line;
}

static void json_and_yaml_give_the_same_tree(void **state)
{
	(void) state;
	const char *tree = "{\"a\":{\"b\":[1,\"x\",null,true,1.5]},\"c\":\"d\"}";
	expect_tree(tree, tree);
	expect_tree("a:\n  b: [1, x, ~, true, 1.5]\nc: d\n", tree);
	expect_tree("--- # comment\na: {b: [1, 'x', null, true, 1.5]}\n\"c\": |-\n  d\n", tree);
}

static void json_that_is_not_yaml_is_read(void **state)
{
	(void) state;
	expect_tree("{\n\t\"a\\/b\": \"\\ud83d\\ude00\",\n\t\"c\"\n:\t1}",
		    "{\"a/b\":\"\xf0\x9f\x98\x80\",\"c\":1}");
	expect_tree("\xef\xbb\xbf  {\"a\":\"# no comment\"}\n", "{\"a\":\"# no comment\"}");
}

static void a_flow_map_need_not_be_json(void **state)
{
	(void) state;
	expect_tree("{a: 1, 'b': [x, y,],}", "{\"a\":1,\"b\":[\"x\",\"y\"]}");
}

static void nothing_is_an_empty_map(void **state)
{
	(void) state;
	expect_tree("", "{}");
	expect_tree("# only a comment\n", "{}");
}

static void quotes_and_tags_make_strings(void **state)
{
	(void) state;
	expect_tree("a: '1'\nb: \"true\"\nc: !!str 1\nd: ! 2\ne: !!int 3\nf: |\n  4\n",
		    "{\"a\":\"1\",\"b\":\"true\",\"c\":\"1\",\"d\":\"2\",\"e\":3,\"f\":\"4\\n\"}");
	expect_refusal(parse("a:\n  b: !!int x\n"),
		       "f:2: the value is not what its tag tag:yaml.org,2002:int says");
	expect_refusal(parse("a: !custom {}\n"), "f:1: the value is not what its tag !custom says");
}

static void keys_and_items_have_lines(void **state)
{
	(void) state;
	const char *yaml = "# one\na:\n  b:\n    c\n  d: [\n    1]\n";
	assert_int_equal(line_of(yaml, "a", NULL), 2);
	assert_int_equal(line_of(yaml, "a", "b"), 3);
	assert_int_equal(line_of(yaml, "a", "d"), 5);
	const char *json = "\n{\n \"x\\\"}\": [\"]\", {}],\n \"a\"\n:\n {\"b\": 1,\n  \"d\": null}}";
	assert_int_equal(line_of(json, "x\"}", NULL), 3);
	assert_int_equal(line_of(json, "a", NULL), 4);
	assert_int_equal(line_of(json, "a", "b"), 6);
	assert_int_equal(line_of(json, "a", "d"), 7);
}

static void what_is_missing_has_the_line_of_what_is_there(void **state)
{
	(void) state;
	assert_int_equal(line_of("a: 1\nb: {}\n", "b", "c"), 2);
	assert_int_equal(line_of("\n{\"b\": {}}", "b", "c"), 2);
}

static void syntax_errors_have_their_line(void **state)
{
	(void) state;
	expect_refusal(parse("{\n \"a\": 1,\n \"b\" 2\n}"), "f:3: invalid JSON: ':' expected near '2'");
	expect_refusal(parse("a: 1\nb: [1\nc: 2\n"),
		       "f:3: invalid YAML: did not find expected ',' or ']' while "
		       "parsing a flow sequence");
	expect_refusal(parse("a: 1\n\tb: 2\n"),
		       "f:2: invalid YAML: found a tab character that violates indentation "
		       "while scanning a plain scalar");
	expect_refusal(parse("a: 1\nb: \x01\n"), "f:2: invalid YAML: control characters are not allowed");
	expect_refusal(parse("{a: 1,\n b: }}\n"),
		       "f:2: invalid YAML: did not find expected <document start>");
}

static void keys_that_stand_twice_are_all_told(void **state)
{
	(void) state;
	struct parsed parsed = parse("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n");
	document_finish(&parsed.document);
	assert_findings((struct loaded){.report = parsed.report},
			"f:4: b.c: the key stands twice, first on line 3",
			"f:5: a: the key stands twice, first on line 1", NULL);
	expect_refusal(parse("{\"a\": 1,\n\"a\": 2}"), "f:2: a: the key stands twice, first on line 1");
	expect_refusal(parse("{\"e\": \"\\ud83d\\ude00\", \"a\": 1,\n\"a\": 2}"),
		       "f:2: invalid JSON: duplicate object key near '\"a\"'");
}

static void what_is_not_utf8_text_is_refused(void **state)
{
	(void) state;
	expect_refusal(parse("a: 1\nb: \xff\n"), "f:2: the file is not UTF-8 text");
	expect_refusal(parse_bytes("a: \0\n", 5), "f:1: the file is not UTF-8 text");
	expect_refusal(parse_bytes("\xff\xfe"
				   "a\0",
				   4),
		       "f:1: the file is not UTF-8 text");
	expect_refusal(parse("\na: \"x\\0\"\n"), "f:2: a string must not contain NUL");
	expect_refusal(parse("\"x\\0\": 1\n"), "f:1: a key must not contain NUL");
	expect_refusal(parse("{\"a\": \"\\u0000\"}"),
		       "f:1: invalid JSON: \\u0000 is not allowed without JSON_ALLOW_NUL near "
		       "'\"\\u0000\"'");
}

static void a_file_holds_one_map(void **state)
{
	(void) state;
	expect_refusal(parse("[1]"), "f:1: the file must hold a map, not a list");
	expect_refusal(parse("\nword\n"), "f:2: the file must hold a map, not a string");
	expect_refusal(parse("---\n"), "f:2: the file must hold a map, not null");
	expect_refusal(parse("a: 1\n---\nb: 2\n"), "f:2: the file must hold one YAML document only");
	expect_refusal(parse("[a]: 1\n"), "f:1: a key must be a string");
}

static void aliases_are_copies(void **state)
{
	(void) state;
	expect_tree("a: &x {b: [1, 2]}\nc: *x\nd: &x e\nf: *x\n",
		    "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":\"e\",\"f\":\"e\"}");
	assert_int_equal(line_of("a: &x\n  b: 1\nc: *x\n", "c", NULL), 3);
	assert_int_equal(line_of("a: &x\n  b: 1\nc: *x\n", "c", "b"), 2);
	expect_refusal(parse("a: *x\n"), "f:1: *x names nothing that stands above it");
	expect_refusal(parse("a: &x [*x]\n"), "f:1: *x names nothing that stands above it");
	expect_refusal(parse("a: &x {b: 1}\nc:\n  <<: *x\n"),
		       "f:3: c.<<: merge keys are not read, repeat the map's keys (or name it whole: key: "
		       "*anchor)");
}

static struct parsed parse_generated(struct buffer *text)
{
	struct parsed parsed = parse_bytes(text->data, text->length);
	buffer_finish(text);
	return parsed;
}

static void alias_bombs_are_refused(void **state)
{
	(void) state;
	struct buffer text = {0};
	buffer_append_text(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 12; i++) {
		buffer_append_format(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buffer_append_format(&text, "%s*a%d", j ? "," : "", i - 1);
		buffer_append_text(&text, "]\n");
	}
	expect_refusal(parse_generated(&text), "f:6: the file holds too many values");
	/* Few values, but long ones. */
	buffer_append_text(&text, "s: &s ");
	for (int i = 0; i < 100000; i++)
		buffer_append_text(&text, "0123456789");
	buffer_append_text(&text, "\nl: [*s");
	for (int i = 0; i < 1000; i++)
		buffer_append_text(&text, ",*s");
	buffer_append_text(&text, "]\n");
	expect_refusal(parse_generated(&text), "f:2: the file holds too many values");
	/* Each alias doubles the depth. */
	buffer_append_text(&text, "a0: &a0 [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n");
	for (int i = 1; i < 8; i++)
		buffer_append_format(&text, "a%d: &a%d [[[[[[[[[[[[[[[[*a%d]]]]]]]]]]]]]]]]\n", i, i, i - 1);
	expect_refusal(parse_generated(&text), "f:4: the file is nested too deeply");
}

static void deep_nesting_is_refused(void **state)
{
	(void) state;
	struct buffer text = {0};
	buffer_append_text(&text, "{\"a\":\n");
	for (int i = 0; i < 1000; i++)
		buffer_append_text(&text, "[");
	for (int i = 0; i < 1000; i++)
		buffer_append_text(&text, "]");
	buffer_append_text(&text, "}");
	expect_refusal(parse_generated(&text), "f:2: the file is nested too deeply");
	buffer_append_text(&text, "a: ");
	for (int i = 0; i < 200000; i++)
		buffer_append_text(&text, "[");
	expect_refusal(parse_generated(&text), "f:1: the file is nested too deeply");
}

static void large_files_are_refused(void **state)
{
	(void) state;
	struct buffer text = {0};
	buffer_append_text(&text, "{\"a\":[0");
	while (text.length < DOCUMENT_MAX_BYTES - 10)
		buffer_append_text(&text, ",0");
	buffer_append_text(&text, "]}");
	expect_refusal(parse_generated(&text), "f:1: the file holds too many values");
	while (text.length <= DOCUMENT_MAX_BYTES)
		buffer_append_text(&text, "# some comment\n");
	expect_refusal(parse_generated(&text), "f: the file is larger than 4 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_and_yaml_give_the_same_tree),
	    cmocka_unit_test(json_that_is_not_yaml_is_read),
	    cmocka_unit_test(a_flow_map_need_not_be_json),
	    cmocka_unit_test(nothing_is_an_empty_map),
	    cmocka_unit_test(quotes_and_tags_make_strings),
	    cmocka_unit_test(keys_and_items_have_lines),
	    cmocka_unit_test(what_is_missing_has_the_line_of_what_is_there),
	    cmocka_unit_test(syntax_errors_have_their_line),
	    cmocka_unit_test(keys_that_stand_twice_are_all_told),
	    cmocka_unit_test(what_is_not_utf8_text_is_refused),
	    cmocka_unit_test(a_file_holds_one_map),
	    cmocka_unit_test(aliases_are_copies),
	    cmocka_unit_test(alias_bombs_are_refused),
	    cmocka_unit_test(deep_nesting_is_refused),
	    cmocka_unit_test(large_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
