#pragma once

/* What compiling (pattern_set.c) and matching (pattern_search.c, pattern_watch.c) share. */

#include "core/patterns/pattern_set.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdbool.h>

/* Where a match can begin at all. */
enum pattern_places { PLACES_ANYWHERE, PLACES_LINES, PLACES_FIRST };

struct pattern {
	pcre2_code *code;
	enum pattern_places places;
	uint32_t lookbehind; /* bytes */
	uint32_t groups;     /* without the whole match */
	/* What lies behind a match can undo it (\b, lookahead, ...): it counts once that cannot be any more.
	 */
	bool looks_ahead;
};

struct pattern_set {
	unsigned references;
	size_t count;
	struct pattern *patterns;
};
