#pragma once

/* A piece of somebody else's text, which may hold any byte. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *text;
	size_t length;
};
#define SPAN(literal) ((struct span){literal, sizeof(literal) - 1})

/* Inline are those that look at every line there is. */

static inline bool span_begins(struct span span, struct span with)
{
	return span.length >= with.length &&
	       (with.length == 0 ||
		(span.text[0] == with.text[0] && memcmp(span.text, with.text, with.length) == 0));
}

/* Where byte first is, or span.length. */
static inline size_t span_find_byte(struct span span, char byte)
{
	const char *found = (const char *) memchr(span.text, byte, span.length);
	return found ? (size_t) (found - span.text) : span.length;
}

/* At most so much of it. */
static inline struct span span_first(struct span span, size_t length)
{
	return (struct span){span.text, length < span.length ? length : span.length};
}

/* What comes behind. */
static inline struct span span_after(struct span span, size_t length)
{
	size_t skipped = length < span.length ? length : span.length;
	return (struct span){span.text + skipped, span.length - skipped};
}

struct span span_of(const char *text); /* of a terminated one */
bool span_equal(struct span a, struct span b);
bool span_begins_caseless(struct span span, struct span with);
bool span_ends(struct span span, struct span with);

/* Where `what` begins, or span.length. what is not empty; looking is cheap where its first byte is rare. */
size_t span_find(struct span span, struct span what);
/* Where byte last is, or span.length. */
size_t span_find_last(struct span span, char byte);

struct span span_trim(struct span span); /* without blanks at its ends */

/* Takes word from the beginning, if it is there. */
bool span_take(struct span *span, struct span word);
/* Likewise decimal digits; false (and nothing taken) where there are none, or too many. */
bool span_take_number(struct span *span, uint64_t *ret_value);
/* Takes " (12 ms)" from the end, if it is there; the seconds are untouched where it is not. */
bool span_take_milliseconds(struct span *span, double *ret_seconds);
/* A decimal number with or without a fraction, whole. */
bool span_to_number(struct span span, double *ret_value);
