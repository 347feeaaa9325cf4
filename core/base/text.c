#include "core/base/text.h"

#include "core/base/buffer.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The length of the well-formed sequence at bytes (RFC 3629, table 3-7 of Unicode), 0 if there is none. */
static size_t sequence_length(const unsigned char *bytes, size_t length)
{
	unsigned char first = bytes[0];
	if (first < 0x80)
		return first != 0;
	size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || length < wanted)
		return 0;
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < wanted; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return wanted;
}

bool text_is_utf8(const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t step = sequence_length((const unsigned char *) text + at, length - at);
		if (!step)
			return false;
		at += step;
	}
	return true;
}

char *text_to_utf8(const char *bytes, size_t length)
{
	cleanup_buffer struct buffer out = {0};
	for (size_t at = 0; at < length;) {
		size_t step = sequence_length((const unsigned char *) bytes + at, length - at);
		int result =
		    step ? buffer_append(&out, bytes + at, step) : buffer_append(&out, "\xef\xbf\xbd", 3);
		if (result < 0)
			return NULL;
		at += step ? step : 1;
	}
	return buffer_take_text(&out);
}

/* The length of the sequence at bytes that may stay as it is, 0 if there is none. */
static size_t visible_length(const unsigned char *bytes, size_t length)
{
	bool is_control = bytes[0] < ' ' && bytes[0] != '\t' && bytes[0] != '\n';
	size_t step = is_control ? 0 : sequence_length(bytes, length);
	bool is_no_character = step == 3 && bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe;
	return is_no_character ? 0 : step;
}

char *text_to_visible(const char *bytes, size_t length)
{
	cleanup_buffer struct buffer out = {0};
	for (size_t at = 0, end = 0; at < length; at = end) {
		size_t step = 0;
		while (end < length &&
		       (step = visible_length((const unsigned char *) bytes + end, length - end)) > 0)
			end += step;
		if (buffer_append(&out, bytes + at, end - at) < 0)
			return NULL;
		if (end < length) {
			static const char digits[] = "0123456789abcdef";
			unsigned char byte = (unsigned char) bytes[end++];
			const char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
			if (buffer_append(&out, escape, sizeof(escape)) < 0)
				return NULL;
		}
	}
	return buffer_take_text(&out);
}

bool text_is_id(const char *text)
{
	static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strlen(text);
	if (length < 1 || length > 63 || !strchr(alphanumeric, text[0]))
		return false;
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

int text_to_int64(const char *text, int64_t *ret_value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	if (!digits[0] || strspn(digits, "0123456789") != strlen(digits))
		return -EINVAL;
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	if (errno)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int text_to_uint64(const char *text, uint64_t *ret_value)
{
	if (!text[0] || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	unsigned long long value = strtoull(text, NULL, 10);
	if (errno)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int text_to_double(const char *text, double *ret_value)
{
	static locale_t c_locale;
	if (!text[0] || strspn(text, "+-.0123456789eE") != strlen(text))
		return -EINVAL;
	if (!c_locale)
		c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t) 0);
	char *end = NULL;
	double value = c_locale ? strtod_l(text, &end, c_locale) : strtod(text, &end);
	if (!end || end == text || *end)
		return -EINVAL;
	if (!isfinite(value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

enum { NEAREST_LENGTH_MAX = 64 };

/* Levenshtein's distance with two rows. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[2][NEAREST_LENGTH_MAX + 1];
	size_t length_a = strlen(a), length_b = strlen(b);
	if (length_a > NEAREST_LENGTH_MAX || length_b > NEAREST_LENGTH_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= length_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		size_t *now = rows[i % 2], *before = rows[(i + 1) % 2];
		now[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
			best = before[j] + 1 < best ? before[j] + 1 : best;
			now[j] = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
		}
	}
	return rows[length_a % 2][length_b];
}

const char *text_nearest(const char *text, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t best = strlen(text) / 3 + 1;
	for (; candidates && *candidates; candidates++) {
		size_t found = distance(text, *candidates);
		if (found <= best && (!nearest || found < best)) {
			nearest = *candidates;
			best = found;
		}
	}
	return nearest;
}
