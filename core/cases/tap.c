/*
 * TAP: a plan, results, and behind a result what is to be said of it.
 *
 *	TAP version 14
 *	1..2
 *	not ok 1 - wraps # TODO later
 *	  ---
 *	  duration_ms: 12
 *	  ...
 *	ok 2 - drops
 *
 * Lines as short as "ok" come from others, too: without a version, results count when a plan
 * confirms their numbers. A subtest's cases are indented; the result of their parent comes behind
 * them and names their suite.
 */

#include "core/cases/recognizers.h"
#include "core/cases/tap_line.h"

#include <stdlib.h>

enum { LEVELS = 8, INDENT = 4, NUMBERS_MOST = 64 * 1024 };

/* A test, or a subtest within the level above. */
struct level {
	bool is_open; /* something of it was there */
	bool has_plan;
	uint64_t planned, last, bad; /* bad: how many failed */
	size_t first;                /* its first case in the list */
	struct buffer seen;          /* a byte a number, from 1 on: 1 where it was there */
	struct buffer name;          /* from a comment: its parent's result knows better */
};

/* A result whose diagnostics may still come. */
struct pending {
	bool is_there;
	bool is_parent; /* of cases that say all there is to say */
	size_t indent;
	size_t block; /* the indent of the YAML block it is in, 0: in none */
	size_t level;
	enum case_result result;
	struct buffer name;
	struct case_text text;
	double seconds;
};

struct tap {
	bool is_sure, is_bailed_out;
	struct level levels[LEVELS + 1]; /* the last is never open: a comment may name it */
	struct pending pending;
};

static struct span span_of_buffer(const struct buffer *buffer)
{
	return (struct span){buffer->length ? buffer->data : "", buffer->length};
}

static int set(struct buffer *buffer, struct span text)
{
	buffer_clear(buffer);
	return buffer_append(buffer, text.text, text.length);
}

/* ---- cases ---- */

static int add(struct tap *tap, struct case_list *list, size_t level, struct case_found *found)
{
	found->suite = level == 0 ? SPAN("TAP") : SPAN("");
	found->counts = &tap->is_sure;
	return case_list_add(list, found);
}

static int add_error(struct tap *tap, struct case_list *list, size_t level, struct span name, struct span why)
{
	struct case_text text = {0};
	struct case_found found = {.name = name, .result = CASE_ERROR, .seconds = -1, .text = &text};
	int result = case_text_add_line(&text, why);
	if (result == 0)
		result = add(tap, list, level, &found);
	case_text_finish(&text);
	return result;
}

static int flush(struct tap *tap, struct case_list *list)
{
	struct pending *pending = &tap->pending;
	struct case_found found = {.name = span_of_buffer(&pending->name),
				   .result = pending->result,
				   .seconds = pending->seconds,
				   .text = &pending->text};
	bool is_there = pending->is_there && !pending->is_parent;
	pending->is_there = false;
	return is_there ? add(tap, list, pending->level, &found) : 0;
}

/* ---- levels ---- */

static bool is_seen(const struct level *level, uint64_t number)
{
	return number >= 1 && number <= level->seen.length && level->seen.data[number - 1];
}

static int see(struct level *level, uint64_t number)
{
	level->last = number;
	if (number < 1 || number > NUMBERS_MOST)
		return 0;
	while (level->seen.length < number)
		if (buffer_append(&level->seen, "", 1) < 0)
			return -ENOMEM;
	level->seen.data[number - 1] = 1;
	return 0;
}

/* Planned numbers that were not there, in a row, are a case. */
static int tell_missing(struct tap *tap, struct case_list *list, size_t depth)
{
	const struct level *level = &tap->levels[depth];
	if (!level->has_plan || level->planned > NUMBERS_MOST || tap->is_bailed_out)
		return 0;
	for (uint64_t from = 1, to; from <= level->planned; from = to + 1) {
		to = from;
		if (is_seen(level, from))
			continue;
		while (to < level->planned && !is_seen(level, to + 1))
			to++;
		struct buffer name = {0};
		int result = from == to ? buffer_append_format(&name, "%llu", (unsigned long long) from)
					: buffer_append_format(&name, "%llu-%llu", (unsigned long long) from,
							       (unsigned long long) to);
		if (result == 0)
			result = add_error(tap, list, depth, span_of_buffer(&name),
					   SPAN("planned, but never told"));
		buffer_finish(&name);
		if (result < 0)
			return result;
	}
	return 0;
}

static void forget_level(struct level *level)
{
	buffer_finish(&level->seen);
	buffer_finish(&level->name);
	*level = (struct level){0};
}

static int close_level(struct tap *tap, struct case_list *list, size_t depth, struct span name)
{
	struct level *level = &tap->levels[depth];
	int result = level->is_open ? tell_missing(tap, list, depth) : 0;
	if (result == 0 && level->is_open && depth > 0 && name.length)
		result = case_list_put_below(list, level->first, &tap->is_sure, name);
	forget_level(level);
	return result;
}

/* Closes those deeper than depth. */
static int close_below(struct tap *tap, struct case_list *list, size_t depth)
{
	for (size_t i = LEVELS; i > depth; i--)
		if (close_level(tap, list, i, span_of_buffer(&tap->levels[i].name)) < 0)
			return -ENOMEM;
	return 0;
}

/* And those it is in. */
static void open_level(struct tap *tap, const struct case_list *list, size_t depth)
{
	for (size_t i = 0; i <= depth; i++) {
		if (tap->levels[i].is_open)
			continue;
		tap->levels[i].is_open = true;
		tap->levels[i].first = list->count;
	}
}

/* All that was is over: another test begins, or nothing more comes. */
static int close_all(struct tap *tap, struct case_list *list)
{
	if (flush(tap, list) < 0 || close_below(tap, list, 0) < 0 || close_level(tap, list, 0, SPAN("")) < 0)
		return -ENOMEM;
	tap->is_bailed_out = false;
	return 0;
}

/* It was not TAP, after all. */
static void forget(struct tap *tap, struct case_list *list)
{
	for (size_t i = 0; i <= LEVELS; i++)
		forget_level(&tap->levels[i]);
	tap->pending.is_there = false;
	case_list_drop(list, &tap->is_sure);
}

/* ---- lines ---- */

static int look_at_version(struct tap *tap, struct case_list *list, size_t depth)
{
	if (depth == 0 && close_all(tap, list) < 0)
		return -ENOMEM;
	if (!tap->is_sure && depth == 0) {
		forget(tap, list);
		tap->is_sure = true;
	}
	return tap->is_sure;
}

static int look_at_plan(struct tap *tap, struct case_list *list, size_t depth, const struct tap_line *line)
{
	struct level *level = &tap->levels[depth];
	if (depth == 0 && level->has_plan && close_all(tap, list) < 0)
		return -ENOMEM;
	bool is_confirmed = depth == 0 && level->is_open && level->last == line->number && line->number > 0;
	if (!tap->is_sure && depth == 0 && level->is_open && !is_confirmed)
		forget(tap, list);
	if (flush(tap, list) < 0 || close_below(tap, list, depth) < 0)
		return -ENOMEM;
	open_level(tap, list, depth);
	tap->is_sure |= is_confirmed;
	level->has_plan = true;
	level->planned = line->number;
	if (line->number > 0 || line->directive != TAP_SKIP)
		return tap->is_sure;
	struct case_text text = {0};
	struct case_found found = {.name = SPAN("all"), .result = CASE_SKIPPED, .seconds = -1, .text = &text};
	int result = case_text_add_line(&text, line->reason);
	if (result == 0)
		result = add(tap, list, depth, &found);
	case_text_finish(&text);
	return result < 0 ? result : tap->is_sure;
}

static int set_pending(struct tap *tap, size_t depth, const struct tap_line *line, uint64_t number)
{
	struct pending *pending = &tap->pending;
	bool is_skipped = line->directive == TAP_SKIP || (line->directive == TAP_TODO && !line->is_ok);
	pending->is_there = true;
	pending->is_parent = false;
	pending->indent = line->indent;
	pending->block = 0;
	pending->level = depth;
	pending->seconds = line->seconds;
	pending->result = is_skipped ? CASE_SKIPPED : line->is_ok ? CASE_PASSED : CASE_FAILED;
	case_text_clear(&pending->text);
	if (line->directive != TAP_NO_DIRECTIVE && case_text_add_line(&pending->text, line->reason) < 0)
		return -ENOMEM;
	if (line->text.length)
		return set(&pending->name, line->text);
	buffer_clear(&pending->name);
	return buffer_append_format(&pending->name, "%llu", (unsigned long long) number);
}

static int look_at_result(struct tap *tap, struct case_list *list, size_t depth, const struct tap_line *line)
{
	struct level *level = &tap->levels[depth];
	if (flush(tap, list) < 0)
		return -ENOMEM;
	/* The board was reset. */
	if (depth == 0 && tap->is_sure && line->has_number && line->number == 1 && is_seen(level, 1) &&
	    close_all(tap, list) < 0)
		return -ENOMEM;
	uint64_t number = line->has_number ? line->number : level->last + 1;
	if (!tap->is_sure && (!line->has_number || number != level->last + 1)) {
		forget(tap, list);
		return 0;
	}
	bool has_children = tap->levels[depth + 1].is_open;
	bool has_bad_children = tap->levels[depth + 1].bad;
	open_level(tap, list, depth);
	if (close_below(tap, list, depth + 1) < 0 || see(level, number) < 0 ||
	    set_pending(tap, depth, line, number) < 0 ||
	    close_level(tap, list, depth + 1, span_of_buffer(&tap->pending.name)) < 0)
		return -ENOMEM;
	level->bad += tap->pending.result == CASE_FAILED;
	tap->pending.is_parent = has_children && (tap->pending.result != CASE_FAILED || has_bad_children);
	tap->is_sure |= depth == 0 && level->has_plan;
	return tap->is_sure;
}

static int look_at_bail_out(struct tap *tap, struct case_list *list, const struct tap_line *line)
{
	if (!tap->is_sure || tap->is_bailed_out)
		return 0;
	if (flush(tap, list) < 0 || add_error(tap, list, 0, SPAN("Bail out!"), line->text) < 0)
		return -ENOMEM;
	tap->is_bailed_out = true;
	return 1;
}

/* Within the YAML behind a result: 1, and 0 where it is over. */
static int look_at_block(struct pending *pending, struct span line, const struct tap_line *read)
{
	struct span text = span_trim(line);
	if (text.length && read->indent < pending->block) {
		pending->block = 0;
		return 0;
	}
	if (span_equal(text, SPAN("..."))) {
		pending->block = 0;
		return 1;
	}
	double milliseconds;
	if (span_take(&text, SPAN("duration_ms:")) && span_to_number(span_trim(text), &milliseconds)) {
		pending->seconds = milliseconds / 1000;
		return 1;
	}
	if (pending->result == CASE_PASSED || pending->is_parent)
		return 1;
	return case_text_add_line(&pending->text, span_after(line, line.length ? pending->block : 0)) < 0
		   ? -ENOMEM
		   : 1;
}

/* It stands before the subtest, or is the subtest's first line. */
static int look_at_name(struct tap *tap, size_t depth, struct span name)
{
	struct level *level = &tap->levels[depth];
	bool is_inside = depth > 0 && !level->is_open && level->name.length == 0;
	return set(is_inside ? &level->name : &tap->levels[depth + 1].name, name) < 0 ? -ENOMEM
										      : tap->is_sure;
}

static int look_at_comment(struct tap *tap, const struct tap_line *line)
{
	struct pending *pending = &tap->pending;
	if (pending->is_there && pending->result == CASE_FAILED && !pending->is_parent &&
	    case_text_add_line(&pending->text, line->text) < 0)
		return -ENOMEM;
	return tap->is_sure;
}

static int look(void *state, struct span line, struct case_list *list)
{
	struct tap *tap = state;
	struct tap_line read;
	tap_line_read(line, &read);
	if (tap->pending.is_there && tap->pending.block) {
		int result = look_at_block(&tap->pending, line, &read);
		if (result)
			return result < 0 ? result : tap->is_sure;
	}
	size_t depth = read.indent / INDENT;
	if (read.kind == TAP_OTHER || depth >= LEVELS)
		return 0;
	switch (read.kind) {
	case TAP_VERSION:
		return look_at_version(tap, list, depth);
	case TAP_PLAN:
		return look_at_plan(tap, list, depth, &read);
	case TAP_RESULT:
		return look_at_result(tap, list, depth, &read);
	case TAP_SUBTEST:
		return look_at_name(tap, depth, read.text);
	case TAP_COMMENT:
		return look_at_comment(tap, &read);
	case TAP_BAIL_OUT:
		return look_at_bail_out(tap, list, &read);
	case TAP_BLOCK:
		if (tap->pending.is_there && read.indent > tap->pending.indent)
			tap->pending.block = read.indent;
		return tap->is_sure && tap->pending.block;
	default:
		return 0;
	}
}

static int end(void *state, struct case_list *list)
{
	return close_all(state, list);
}

static void finish(void *state)
{
	struct tap *tap = state;
	for (size_t i = 0; i <= LEVELS; i++)
		forget_level(&tap->levels[i]);
	buffer_finish(&tap->pending.name);
	case_text_finish(&tap->pending.text);
}

const struct recognizer tap_recognizer = {
    .name = "tap", .state_bytes = sizeof(struct tap), .look = look, .end = end, .finish = finish};
