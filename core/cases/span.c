#include "core/cases/span.h"

#include "core/base/text.h"

#include <string.h>
#include <strings.h>

struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

bool span_equal(struct span a, struct span b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

bool span_begins_caseless(struct span span, struct span with)
{
	return span.length >= with.length && strncasecmp(span.text, with.text, with.length) == 0;
}

bool span_ends(struct span span, struct span with)
{
	return span.length >= with.length && span_equal(span_after(span, span.length - with.length), with);
}

size_t span_find(struct span span, struct span what)
{
	for (size_t at = 0; at + what.length <= span.length; at++) {
		const char *found = memchr(span.text + at, what.text[0], span.length - what.length - at + 1);
		if (!found)
			break;
		at = (size_t) (found - span.text);
		if (memcmp(found, what.text, what.length) == 0)
			return at;
	}
	return span.length;
}

size_t span_find_last(struct span span, char byte)
{
	const char *found = memrchr(span.text, byte, span.length);
	return found ? (size_t) (found - span.text) : span.length;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

struct span span_trim(struct span span)
{
	while (span.length && is_blank(span.text[0]))
		span = span_after(span, 1);
	while (span.length && is_blank(span.text[span.length - 1]))
		span.length--;
	return span;
}

bool span_take(struct span *span, struct span word)
{
	if (!span_begins(*span, word))
		return false;
	*span = span_after(*span, word.length);
	return true;
}

bool span_take_number(struct span *span, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t digits = 0;
	for (; digits < span->length && span->text[digits] >= '0' && span->text[digits] <= '9'; digits++)
		value = value * 10 + (uint64_t) (span->text[digits] - '0');
	if (digits == 0 || digits > 18)
		return false;
	*ret_value = value;
	*span = span_after(*span, digits);
	return true;
}

bool span_take_milliseconds(struct span *span, double *ret_seconds)
{
	size_t open = span_find_last(*span, '(');
	struct span number = span_after(*span, open + 1);
	uint64_t milliseconds = 0;
	if (open == 0 || span->text[open - 1] != ' ' || !span_take_number(&number, &milliseconds) ||
	    !span_equal(number, SPAN(" ms)")))
		return false;
	*ret_seconds = (double) milliseconds / 1000;
	*span = span_first(*span, open - 1);
	return true;
}

bool span_to_number(struct span span, double *ret_value)
{
	char text[32];
	if (span.length == 0 || span.length >= sizeof(text) || memchr(span.text, '\0', span.length))
		return false;
	memcpy(text, span.text, span.length);
	text[span.length] = '\0';
	return strspn(text, "0123456789.") == span.length && text_to_double(text, ret_value) == 0;
}
