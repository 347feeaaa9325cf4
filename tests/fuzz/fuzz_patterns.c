/* The first byte says in what pieces the output is fed, the first line is the regex, the rest the output.
 * Whole, in pieces and byte by byte the same is found. */

#include "core/patterns/pattern_watch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

struct found {
	int result;
	int64_t start;
};

static void check(const struct pattern_match *match, const uint8_t *output, size_t length)
{
	expect(match->pattern == 0 && match->start >= 0 && match->start <= match->end);
	expect((size_t) match->end <= length && match->text.length == (size_t) (match->end - match->start));
	expect(memcmp(match->text.bytes, output + match->start, match->text.length) == 0);
	for (size_t i = 0; i < match->group_count; i++)
		expect(!match->groups[i].bytes || match->groups[i].length <= length);
}

static struct found run(struct pattern_set *set, const uint8_t *output, size_t length, size_t piece)
{
	struct pattern_match match;
	struct error error;
	struct found found = {0};
	struct pattern_watch *watch = pattern_watch_create(set, &(struct pattern_beginning){0}, &error);
	for (size_t at = 0, count; !found.result && at < length; at += count) {
		count = piece < length - at ? piece : length - at;
		found.result = pattern_watch_feed(watch, output + at, count, &match, &error);
	}
	if (!found.result)
		found.result = pattern_watch_end(watch, &match, &error);
	if (found.result == 1) {
		check(&match, output, length);
		found.start = match.start;
	}
	pattern_watch_destroy(watch);
	return found;
}

/* Verbs may do anything, a start that \K moves hangs on how far a greedy match reaches, and PCRE2 does not
 * see that a repeated \R looks ahead. */
static int is_alike(const char *regex, size_t length)
{
	return !memmem(regex, length, "(*", 2) && !memmem(regex, length, "\\R", 2) &&
	       !memmem(regex, length, "\\K", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	struct error error;
	if (!newline || size > 2000)
		return 0;
	const char *regex = (const char *) data + 1;
	size_t regex_length = (size_t) (newline - data) - 1, length = size - regex_length - 2;
	struct pattern_set *set = pattern_set_create(&error);
	if (pattern_set_add(set, regex, regex_length, &error) < 0) {
		expect(error.code && error.message[0] && pattern_set_count(set) == 0);
	} else {
		struct found whole = run(set, newline + 1, length, SIZE_MAX);
		struct found pieces = run(set, newline + 1, length, data[0] ? data[0] : 1);
		if (whole.result >= 0 && pieces.result >= 0 && is_alike(regex, regex_length))
			expect(whole.result == pieces.result && whole.start == pieces.start);
	}
	pattern_set_unref(set);
	return 0;
}
