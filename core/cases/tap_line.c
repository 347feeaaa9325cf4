#include "core/cases/tap_line.h"

/* "[    1.234567] ", as a kernel's log puts before its lines. */
static void take_timestamp(struct span *line)
{
	struct span rest = *line;
	uint64_t number;
	if (!span_take(&rest, SPAN("[")))
		return;
	while (span_take(&rest, SPAN(" ")))
		;
	if (span_take_number(&rest, &number) && span_take(&rest, SPAN(".")) &&
	    span_take_number(&rest, &number) && span_take(&rest, SPAN("] ")))
		*line = rest;
}

/* "# SKIP why", "# TODO why", "# time=12.3ms" behind a result's description. */
static void read_directive(struct span directive, struct tap_line *line)
{
	double milliseconds;
	size_t why = span_find_byte(directive, ' ');
	line->reason = span_trim(span_after(directive, why));
	if (span_begins_caseless(directive, SPAN("SKIP")))
		line->directive = TAP_SKIP;
	else if (span_begins_caseless(directive, SPAN("TODO")))
		line->directive = TAP_TODO;
	else if (span_begins(directive, SPAN("time=")) && span_ends(directive, SPAN("ms")) &&
		 span_to_number(span_first(span_after(directive, 5), directive.length - 7), &milliseconds))
		line->seconds = milliseconds / 1000;
}

static bool is_directive(struct span text)
{
	return span_begins_caseless(text, SPAN("SKIP")) || span_begins_caseless(text, SPAN("TODO")) ||
	       span_begins(text, SPAN("time="));
}

/* Takes the directive (if any) from the description's end. */
static void split_description(struct span text, struct tap_line *line)
{
	line->text = span_trim(text);
	for (size_t i = text.length; i > 0; i--) {
		struct span behind = span_trim(span_after(text, i));
		bool begins = text.text[i - 1] == '#' && (i < 2 || text.text[i - 2] == ' ');
		if (!begins || !is_directive(behind))
			continue;
		read_directive(behind, line);
		line->text = span_trim(span_first(text, i - 1));
		return;
	}
}

static void read_result(struct span rest, struct tap_line *line)
{
	line->is_ok = !span_take(&rest, SPAN("not "));
	if (!span_take(&rest, SPAN("ok")) || (rest.length && rest.text[0] != ' '))
		return;
	line->kind = TAP_RESULT;
	rest = span_trim(rest);
	struct span behind = rest;
	if (span_take_number(&behind, &line->number) && (behind.length == 0 || behind.text[0] == ' ')) {
		line->has_number = true;
		rest = span_trim(behind);
	}
	if (!span_take(&rest, SPAN("- ")) && span_equal(rest, SPAN("-")))
		rest.length = 0;
	split_description(rest, line);
}

static void read_plan(struct span rest, struct tap_line *line)
{
	uint64_t first;
	if (!span_take_number(&rest, &first) || first > 1 || !span_take(&rest, SPAN("..")) ||
	    !span_take_number(&rest, &line->number))
		return;
	rest = span_trim(rest);
	if (rest.length && rest.text[0] != '#')
		return;
	line->kind = TAP_PLAN;
	split_description(rest, line);
}

static void read_comment(struct span rest, struct tap_line *line)
{
	rest = span_after(rest, 1);
	span_take(&rest, SPAN(" "));
	line->kind = span_take(&rest, SPAN("Subtest: ")) ? TAP_SUBTEST : TAP_COMMENT;
	line->text = rest;
}

void tap_line_read(struct span line, struct tap_line *ret_line)
{
	struct tap_line read = {.seconds = -1};
	take_timestamp(&line);
	while (read.indent < line.length && line.text[read.indent] == ' ')
		read.indent++;
	line = span_after(line, read.indent);
	char first = line.length ? line.text[0] : '\0';
	if (first == 'o' || first == 'n')
		read_result(line, &read);
	else if (first >= '0' && first <= '9')
		read_plan(line, &read);
	else if (first == '#')
		read_comment(line, &read);
	else if (span_begins(line, SPAN("TAP version ")) || span_begins(line, SPAN("KTAP version ")))
		read.kind = TAP_VERSION;
	else if (span_begins(line, SPAN("---")))
		read.kind = TAP_BLOCK;
	else if (span_begins_caseless(line, SPAN("Bail out!"))) {
		read.kind = TAP_BAIL_OUT;
		read.text = span_trim(span_after(line, 9));
	}
	*ret_line = read;
}
