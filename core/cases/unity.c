/*
 * Unity, and its fixtures where they are verbose (-v) or not:
 *
 *	test/test_ring.c:12:test_wraps:FAIL: Expected 1 Was 2 (3 ms)
 *	TEST(ring, wraps) PASS
 *	TEST(ring, drops)test/test_ring.c:34::FAIL: Expected 1 Was 2
 *
 * A result line tells the whole case; only fixtures say when one begins. One that passes in a
 * fixture that is not verbose is a dot.
 */

#include "core/cases/open_case.h"
#include "core/cases/recognizers.h"

#include <ctype.h>

struct unity {
	struct open_case open;
	bool is_sure; /* a line was there that only Unity prints */
};

struct result_line {
	struct span file;  /* with what stands before it on the line */
	struct span place; /* file and line number alone */
	struct span name;  /* empty where a fixture has told it */
	struct span word;  /* PASS, FAIL, IGNORE, INFO */
	struct span message;
	double seconds;
};

static bool take_word(struct span *rest, struct span *ret_word)
{
	static const struct span words[] = {{"PASS", 4}, {"FAIL", 4}, {"IGNORE", 6}, {"INFO", 4}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*ret_word = words[i];
		if (span_take(rest, words[i]))
			return rest->length == 0 || rest->text[0] == ':' || rest->text[0] == ' ';
	}
	return false;
}

/* "test_wraps", "test_sums(1, 2)", "TEST(ring, wraps)", or nothing. */
static bool is_name(struct span name)
{
	size_t bracket = span_find_byte(name, '(');
	if (name.length && !isalpha((unsigned char) name.text[0]) && name.text[0] != '_')
		return false;
	return span_find_byte(span_first(name, bracket), ' ') == bracket &&
	       (bracket == name.length || span_ends(name, SPAN(")")));
}

/* Behind the last blank, without the dots by which a fixture tells what passed. */
static struct span place_of(struct span text)
{
	size_t blank = span_find_last(text, ' ');
	text = span_after(text, blank < text.length ? blank + 1 : 0);
	size_t bracket = span_find_last(text, ')');
	text = span_after(text, bracket < text.length ? bracket + 1 : 0);
	size_t dots = 0;
	while (dots < text.length && (text.text[dots] == '.' || text.text[dots] == '!'))
		dots++;
	bool is_path = dots < text.length && text.text[dots] == '/'; /* "../" is of the path */
	return span_after(text, is_path && dots >= 2 ? dots - 2 : dots);
}

/* "<file>:<number>:<name>:<word>[: <message>][ (<n> ms)]" */
static bool read_result(struct span line, struct result_line *ret_line)
{
	for (size_t at = 0, colon; (colon = at + span_find_byte(span_after(line, at), ':')) < line.length;
	     at = colon + 1) {
		struct span rest = span_after(line, colon + 1);
		struct result_line read = {.file = span_first(line, colon), .seconds = -1};
		uint64_t number;
		if (!span_take_number(&rest, &number) || !span_begins(rest, SPAN(":")))
			continue;
		read.place = place_of(span_first(line, line.length - rest.length));
		rest = span_after(rest, 1);
		read.name = span_first(rest, span_find_byte(rest, ':'));
		rest = span_after(rest, read.name.length + 1);
		if (!is_name(read.name) || !take_word(&rest, &read.word))
			continue;
		span_take_milliseconds(&rest, &read.seconds);
		span_take(&rest, SPAN(":"));
		read.message = span_trim(rest);
		*ret_line = read;
		return span_find_byte(place_of(read.file), '.') < read.file.length;
	}
	return false;
}

/* Takes "TEST(group, name)". */
static bool take_fixture_name(struct span *line, struct span *ret_group, struct span *ret_name)
{
	struct span rest = *line;
	if (!span_take(&rest, SPAN("TEST(")))
		return false;
	size_t comma = span_find(rest, SPAN(", ")), close = span_find_byte(rest, ')');
	if (comma == 0 || close == rest.length || comma + 2 >= close)
		return false;
	*ret_group = span_first(rest, comma);
	*ret_name = span_after(span_first(rest, close), comma + 2);
	*line = span_after(rest, close + 1);
	return true;
}

/* "test_ring" of "../test/test_ring.c" */
static struct span stem_of(struct span file)
{
	for (size_t i = file.length; i > 0; i--)
		if (file.text[i - 1] == '/' || file.text[i - 1] == '\\') {
			file = span_after(file, i);
			break;
		}
	return span_first(file, span_find_last(file, '.'));
}

static enum case_result result_of(struct span word)
{
	if (span_equal(word, SPAN("PASS")))
		return CASE_PASSED;
	return span_equal(word, SPAN("FAIL")) ? CASE_FAILED : CASE_SKIPPED;
}

static int add(struct unity *unity, struct case_list *list, const struct result_line *line,
	       struct case_found *found)
{
	struct buffer message = {0};
	int result = 0;
	if (found->result != CASE_PASSED && line->message.length)
		result = buffer_append_format(&message, "%.*s: ", (int) line->place.length, line->place.text);
	if (result == 0 && message.length)
		result = buffer_append(&message, line->message.text, line->message.length);
	if (result == 0 && message.length)
		result = case_text_add_line(&unity->open.text, (struct span){message.data, message.length});
	buffer_finish(&message);
	found->text = found->result == CASE_PASSED ? NULL : &unity->open.text;
	return result < 0 ? result : open_case_end(&unity->open, list, found);
}

/* Names that a runner which looks for tests by their names has found. */
static bool is_usual(struct span name)
{
	return span_begins_caseless(name, SPAN("test")) || span_begins_caseless(name, SPAN("spec")) ||
	       span_begins_caseless(name, SPAN("should"));
}

static struct span span_of_buffer(const struct buffer *buffer)
{
	return (struct span){buffer->length ? buffer->data : "", buffer->length};
}

static int look_at_result(struct unity *unity, struct case_list *list, const struct result_line *line)
{
	struct case_found found = {.suite = stem_of(place_of(line->file)),
				   .name = line->name,
				   .result = result_of(line->word),
				   .seconds = line->seconds};
	struct span name = line->name;
	if (!unity->is_sure && !is_usual(name))
		return 0;
	unity->is_sure = true;
	if (span_equal(line->word, SPAN("INFO")))
		return open_case_add_line(&unity->open, line->message) < 0 ? -ENOMEM : 1;
	if (name.length == 0 && !unity->open.is_open)
		return 0;
	if (name.length == 0) {
		found.suite = span_of_buffer(&unity->open.suite);
		found.name = span_of_buffer(&unity->open.name);
	} else {
		take_fixture_name(&name, &found.suite, &found.name);
	}
	if (!unity->open.is_open)
		case_text_clear(&unity->open.text);
	return add(unity, list, line, &found) < 0 ? -ENOMEM : 1;
}

/* What stands behind "TEST(group, name)", on its line or later. */
static int look_at_open(struct unity *unity, struct case_list *list, struct span line)
{
	struct result_line read;
	struct case_found found = {.suite = span_of_buffer(&unity->open.suite),
				   .name = span_of_buffer(&unity->open.name),
				   .result = CASE_PASSED,
				   .seconds = -1};
	struct span text = line;
	span_take_milliseconds(&text, &found.seconds);
	if (span_ends(text, SPAN(" PASS")))
		return open_case_end(&unity->open, list, &found) < 0 ? -ENOMEM : 1;
	if (read_result(line, &read))
		return look_at_result(unity, list, &read);
	return open_case_add_line(&unity->open, line);
}

static int look_at_fixture(struct unity *unity, struct case_list *list, struct span line)
{
	struct case_found found = {.result = CASE_SKIPPED, .seconds = -1};
	bool is_ignored = span_take(&line, SPAN("IGNORE_"));
	if (!take_fixture_name(&line, &found.suite, &found.name))
		return 0;
	unity->is_sure |= span_begins(line, SPAN(" PASS"));
	if (!unity->is_sure)
		return 0;
	if (is_ignored) {
		span_take_milliseconds(&line, &found.seconds);
		return open_case_end(&unity->open, list, &found) < 0 ? -ENOMEM : 1;
	}
	if (open_case_begin(&unity->open, list, found.suite, found.name) < 0)
		return -ENOMEM;
	return look_at_open(unity, list, line) < 0 ? -ENOMEM : 1;
}

/* "3 Tests 1 Failures 0 Ignored" */
static bool is_summary(struct span line)
{
	uint64_t number;
	return span_take_number(&line, &number) && span_take(&line, SPAN(" Tests ")) &&
	       span_take_number(&line, &number) && span_take(&line, SPAN(" Failures ")) &&
	       span_take_number(&line, &number) && span_begins(line, SPAN(" Ignored"));
}

static int look(void *state, struct span line, struct case_list *list)
{
	struct unity *unity = state;
	struct result_line read;
	if (span_begins(line, SPAN("Unity test run ")) || is_summary(line)) {
		unity->is_sure = true;
		return open_case_abandon(&unity->open, list) < 0 ? -ENOMEM : 1;
	}
	if (span_begins(line, SPAN("TEST(")) || span_begins(line, SPAN("IGNORE_TEST(")))
		return look_at_fixture(unity, list, line);
	if (unity->open.is_open)
		return look_at_open(unity, list, line);
	return read_result(line, &read) ? look_at_result(unity, list, &read) : 0;
}

static int end(void *state, struct case_list *list)
{
	struct unity *unity = state;
	return open_case_abandon(&unity->open, list);
}

static void finish(void *state)
{
	struct unity *unity = state;
	open_case_finish(&unity->open);
}

const struct recognizer unity_recognizer = {
    .name = "unity", .state_bytes = sizeof(struct unity), .look = look, .end = end, .finish = finish};
