#include "server/watch/last_line.h"

#include "core/base/buffer.h"
#include "core/base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE = 0x1b, BELL = 0x07, DELETE = 0x7f };

static bool is_within(char byte, unsigned char low, unsigned char high)
{
	return (unsigned char) byte >= low && (unsigned char) byte <= high;
}

/* ---- escape sequences (ECMA-48): how many bytes stand behind ESC ---- */

/* A title or the like: up to BEL or ESC \. One that does not end is the rest of the line. */
static size_t string_length(const char *bytes, size_t length)
{
	size_t at = 1;
	while (at < length && bytes[at] != BELL && bytes[at] != ESCAPE)
		at++;
	if (at + 1 < length && bytes[at] == ESCAPE && bytes[at + 1] == '\\')
		at++;
	return at < length ? at + 1 : length;
}

/* One that breaks off is as long as it is. */
static size_t sequence_length(const char *bytes, size_t length)
{
	if (!length)
		return 0;
	if (bytes[0] && strchr("]PX^_", bytes[0]))
		return string_length(bytes, length);
	bool has_parameters = bytes[0] == '[';
	size_t at = has_parameters;
	while (at < length && is_within(bytes[at], ' ', has_parameters ? '?' : '/'))
		at++;
	return at + (at < length && is_within(bytes[at], has_parameters ? '@' : '0', '~'));
}

/* ---- one line ---- */

static int append_plain(struct buffer *out, const char *bytes, size_t length)
{
	int result = 0;
	for (size_t at = 0; at < length && !result; at++) {
		char byte = bytes[at] == '\t' ? ' ' : bytes[at];
		if (byte == ESCAPE)
			at += sequence_length(bytes + at + 1, length - at - 1);
		else if ((unsigned char) byte >= ' ' && byte != DELETE)
			result = buffer_append(out, &byte, 1);
	}
	return result;
}

static bool is_continuation(char byte)
{
	return ((unsigned char) byte & 0xc0) == 0x80;
}

/* Of U+0080 to U+009F, which are controls too. */
static bool is_control(const char *text)
{
	return (unsigned char) text[0] == 0xc2 && is_within(text[1], 0x80, 0x9f);
}

/* In place, well-formed text: no more than the first characters, and no space around them. */
static void cut(char *text)
{
	char *out = text;
	size_t characters = 0;
	const char *next = text;
	while (*next && characters < LAST_LINE_CHARACTERS) {
		bool is_leading = *next == ' ' && out == text;
		bool is_kept = !is_leading && !is_control(next);
		characters += is_kept;
		do {
			if (is_kept)
				*out++ = *next;
			next++;
		} while (is_continuation(*next));
	}
	while (out > text && out[-1] == ' ')
		out--;
	*out = '\0';
}

static char *clean(const char *bytes, size_t length)
{
	cleanup_buffer struct buffer plain = {0};
	if (append_plain(&plain, bytes, length) < 0)
		return NULL;
	char *text = text_to_utf8(plain.length ? plain.data : "", plain.length);
	if (text)
		cut(text);
	return text;
}

char *last_line_find(const char *bytes, size_t length)
{
	for (size_t end = length; end > 0;) {
		size_t begin = end;
		while (begin > 0 && bytes[begin - 1] != '\n' && bytes[begin - 1] != '\r')
			begin--;
		char *line = clean(bytes + begin, end - begin);
		if (!line || line[0])
			return line;
		free(line);
		end = begin > 0 ? begin - 1 : 0;
	}
	return strdup("");
}
