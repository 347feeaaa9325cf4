#include "core/cases/line_reader.h"

#include <errno.h>
#include <string.h>

enum { ESCAPE = 0x1b };

void line_reader_finish(struct line_reader *reader)
{
	buffer_finish(&reader->begun);
	buffer_finish(&reader->plain);
}

/* How many bytes the escape sequence has (ECMA-48: CSI or ESC, parameters, one byte that ends it). */
static size_t escape_length(struct span text)
{
	bool is_csi = text.length > 1 && text.text[1] == '[';
	size_t at = is_csi ? 2 : 1;
	while (at < text.length && text.text[at] >= ' ' && text.text[at] <= (is_csi ? '?' : '/'))
		at++;
	return at < text.length ? at + 1 : text.length;
}

static int tell(struct line_reader *reader, struct span line)
{
	size_t escape = span_find_byte(line, ESCAPE);
	if (escape == line.length)
		return reader->on_line(line, reader->data);
	buffer_clear(&reader->plain);
	for (struct span rest = line; rest.length; escape = span_find_byte(rest, ESCAPE)) {
		if (buffer_append(&reader->plain, rest.text, escape) < 0)
			return -ENOMEM;
		rest = span_after(rest, escape);
		if (rest.length)
			rest = span_after(rest, escape_length(rest));
	}
	return reader->on_line((struct span){reader->plain.data, reader->plain.length}, reader->data);
}

static int keep(struct line_reader *reader, struct span part)
{
	struct span fitting = span_first(part, LINE_BYTES - reader->begun.length);
	reader->is_begun = true;
	return buffer_append(&reader->begun, fitting.text, fitting.length);
}

static int tell_begun(struct line_reader *reader)
{
	int result = tell(reader, (struct span){reader->begun.data, reader->begun.length});
	reader->is_begun = false;
	buffer_clear(&reader->begun);
	return result;
}

/* The line's last part. */
static int complete(struct line_reader *reader, struct span part)
{
	if (!reader->is_begun)
		return tell(reader, span_first(part, LINE_BYTES));
	int result = keep(reader, part);
	return result < 0 ? result : tell_begun(reader);
}

/* text holds no \n; its own end is a line's where is_ended. */
static int feed_between_newlines(struct line_reader *reader, struct span text, bool is_ended)
{
	for (size_t end; (end = span_find_byte(text, '\r')) < text.length; text = span_after(text, end + 1)) {
		int result = complete(reader, span_first(text, end));
		if (result < 0)
			return result;
		reader->is_after_return = true;
		if (end + 1 == text.length)
			return 0;
	}
	reader->is_after_return = false;
	if (is_ended)
		return complete(reader, text);
	return text.length ? keep(reader, text) : 0;
}

int line_reader_feed(struct line_reader *reader, const char *bytes, size_t length)
{
	struct span rest = {bytes, length};
	while (rest.length) {
		size_t end = span_find_byte(rest, '\n');
		bool is_ended = end < rest.length;
		bool is_second_half = end == 0 && reader->is_after_return;
		int result = 0;
		if (is_second_half)
			reader->is_after_return = false;
		else
			result = feed_between_newlines(reader, span_first(rest, end), is_ended);
		if (result < 0)
			return result;
		/* The \n behind a \r at the very end is of the same line. */
		if (is_ended)
			reader->is_after_return = false;
		rest = span_after(rest, end + 1);
	}
	return 0;
}

int line_reader_end(struct line_reader *reader)
{
	return reader->is_begun ? tell_begun(reader) : 0;
}
