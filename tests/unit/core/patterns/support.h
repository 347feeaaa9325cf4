#pragma once

/* What the tests of patterns share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/patterns/pattern_watch.h"

#include <stdbool.h>

struct text {
	const char *bytes;
	size_t length;
};
/* Of a literal, NULs included. */
#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

/* A set of these regexes; the test fails where one is refused. */
struct pattern_set *make_set(const char *const *regexes);
#define SET(...) make_set((const char *const[]){__VA_ARGS__, NULL})

struct outcome {
	int result;     /* as pattern_watch_feed's */
	bool is_of_end; /* by pattern_watch_end */
	size_t pattern;
	int64_t start, end;
	char text[256];     /* as far as it fits, terminated */
	char groups[8][32]; /* "-": unset */
	size_t group_count;
	struct error error;
};

/* Feeds the text in chunks of that many bytes (0: as a whole), and then tells it that it has ended. */
struct outcome run(struct pattern_set *set, struct text output, size_t chunk);
/* Only feeds, from after `before` bytes of the output on. chunks: lengths, cycled through. */
struct outcome feed(struct pattern_set *set, struct text output, size_t before, const size_t *chunks,
		    size_t chunk_count);

/* In every chunk size from the whole to a byte, `pattern` matches at `start` to `end`; it takes the end to be
 * told where of_end. */
void assert_match(struct pattern_set *set, struct text output, size_t pattern, int64_t start, int64_t end,
		  bool of_end);
/* The same with the reach of a greedy one left open. */
void assert_starts(struct pattern_set *set, struct text output, size_t pattern, int64_t start);
void assert_no_match(struct pattern_set *set, struct text output);
