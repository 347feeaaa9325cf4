#pragma once

/* A piece of somebody else's text, which may hold any byte. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *text;
	size_t length;
};
#define SPAN(literal) ((struct span){literal, sizeof(literal) - 1})

struct span span_of(const char *text); /* of a terminated one */
bool span_equal(struct span a, struct span b);
bool span_begins(struct span span, struct span with);
bool span_begins_caseless(struct span span, struct span with);
bool span_ends(struct span span, struct span with);

/* Where `what` begins, or span.length. what is not empty; looking is cheap where its first byte is rare. */
size_t span_find(struct span span, struct span what);
/* Where byte first (last) is, or span.length. */
size_t span_find_byte(struct span span, char byte);
size_t span_find_last(struct span span, char byte);

struct span span_first(struct span span, size_t length); /* at most so much of it */
struct span span_after(struct span span, size_t length); /* what comes behind */
struct span span_trim(struct span span);                 /* without blanks at its ends */

/* Takes word from the beginning, if it is there. */
bool span_take(struct span *span, struct span word);
/* Likewise decimal digits; false (and nothing taken) where there are none, or too many. */
bool span_take_number(struct span *span, uint64_t *ret_value);
/* Takes " (12 ms)" from the end, if it is there; the seconds are untouched where it is not. */
bool span_take_milliseconds(struct span *span, double *ret_seconds);
/* A decimal number with or without a fraction, whole. */
bool span_to_number(struct span span, double *ret_value);
