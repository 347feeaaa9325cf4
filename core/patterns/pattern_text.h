#pragma once

/* What PCRE2 does not tell of a pattern, read from its text. */

#include <stdbool.h>
#include <stddef.h>

struct pattern_text {
	/* It may hold something whose success hangs on bytes behind what it takes: lookahead, \b, $, atomic
	 * groups, possessive repetition. May be true without need: then a match at the very end waits for one
	 * byte more. */
	bool looks_ahead;
	/* It may hold what PCRE2 10.42 does not get right when it is compiled to machine code: atomic groups
	 * that end lazily miss matches, recursion knows no limit. */
	bool is_delicate;
	bool is_quoted;      /* it ends within \Q */
	const char *refused; /* NULL, or what no stream can have */
	size_t refused_at;
};

void pattern_text_read(const char *regex, size_t length, struct pattern_text *ret_text);
