#include "support.h"

#include <stdio.h>
#include <string.h>

struct pattern_set *make_set(const char *const *regexes)
{
	struct error error;
	struct pattern_set *set = pattern_set_create(&error);
	assert_non_null(set);
	for (; *regexes; regexes++)
		if (pattern_set_add(set, *regexes, strlen(*regexes), &error) < 0)
			fail_msg("%s: %s", *regexes, error.message);
	return set;
}

static void note(struct outcome *outcome, const struct pattern_match *match)
{
	size_t length =
	    match->text.length < sizeof(outcome->text) - 1 ? match->text.length : sizeof(outcome->text) - 1;
	outcome->pattern = match->pattern;
	outcome->start = match->start;
	outcome->end = match->end;
	assert_int_equal(match->end - match->start, match->text.length);
	memcpy(outcome->text, match->text.bytes, length);
	outcome->group_count = match->group_count;
	for (size_t i = 0; i < match->group_count && i < 8; i++) {
		const struct pattern_span *group = &match->groups[i];
		if (group->bytes)
			snprintf(outcome->groups[i], sizeof(outcome->groups[i]), "%.*s", (int) group->length,
				 group->bytes);
		else
			strcpy(outcome->groups[i], "-");
	}
}

struct outcome feed(struct pattern_set *set, struct text output, size_t before, const size_t *chunks,
		    size_t chunk_count)
{
	struct outcome outcome = {0};
	struct pattern_match match;
	size_t behind = pattern_set_lookbehind(set) < before ? pattern_set_lookbehind(set) : before;
	const struct pattern_beginning beginning = {(int64_t) before, output.bytes + before - behind, behind};
	struct pattern_watch *watch = pattern_watch_create(set, &beginning, &outcome.error);
	assert_non_null(watch);
	for (size_t at = before, i = 0, length; !outcome.result && at < output.length; at += length, i++) {
		length = chunks[i % chunk_count] < output.length - at ? chunks[i % chunk_count]
								      : output.length - at;
		outcome.result = pattern_watch_feed(watch, output.bytes + at, length, &match, &outcome.error);
	}
	if (!outcome.result) {
		outcome.result = pattern_watch_end(watch, &match, &outcome.error);
		outcome.is_of_end = true;
	}
	if (outcome.result == 1)
		note(&outcome, &match);
	pattern_watch_destroy(watch);
	return outcome;
}

struct outcome run(struct pattern_set *set, struct text output, size_t chunk)
{
	size_t length = chunk ? chunk : output.length + 1;
	return feed(set, output, 0, &length, 1);
}

static void assert_each(struct pattern_set *set, struct text output, size_t pattern, int64_t start,
			int64_t end, bool of_end)
{
	for (size_t chunk = 1; chunk <= output.length; chunk++) {
		struct outcome outcome = run(set, output, chunk);
		if (outcome.result != 1)
			fail_msg("chunks of %zu: no match (%d)", chunk, outcome.result);
		assert_int_equal(outcome.pattern, pattern);
		if (outcome.start != start)
			fail_msg("chunks of %zu: at %lld", chunk, (long long) outcome.start);
		if (end < 0)
			continue;
		assert_int_equal(outcome.end, end);
		assert_int_equal(outcome.is_of_end, of_end);
	}
	pattern_set_unref(set);
}

void assert_match(struct pattern_set *set, struct text output, size_t pattern, int64_t start, int64_t end,
		  bool of_end)
{
	assert_each(set, output, pattern, start, end, of_end);
}

void assert_starts(struct pattern_set *set, struct text output, size_t pattern, int64_t start)
{
	assert_each(set, output, pattern, start, -1, false);
}

void assert_no_match(struct pattern_set *set, struct text output)
{
	for (size_t chunk = 1; chunk <= output.length; chunk++)
		assert_int_equal(run(set, output, chunk).result, 0);
	pattern_set_unref(set);
}
