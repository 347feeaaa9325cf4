#include "core/cases/case_text.h"

#include "core/cases/cases.h"

#include <errno.h>

void case_text_finish(struct case_text *text)
{
	buffer_finish(&text->kept);
}

void case_text_clear(struct case_text *text)
{
	buffer_clear(&text->kept);
	text->blank_lines = text->left_out = 0;
}

static int add(struct case_text *text, struct span bytes)
{
	size_t room = CASE_MESSAGE_BYTES - text->kept.length;
	struct span fitting = span_first(bytes, text->left_out ? 0 : room);
	text->left_out += bytes.length - fitting.length;
	return buffer_append(&text->kept, fitting.text, fitting.length);
}

int case_text_add_line(struct case_text *text, struct span line)
{
	if (span_trim(line).length == 0) {
		text->blank_lines += text->kept.length > 0;
		return 0;
	}
	size_t breaks = text->blank_lines + (text->kept.length > 0);
	text->blank_lines = 0;
	for (; breaks; breaks--)
		if (add(text, SPAN("\n")) < 0)
			return -ENOMEM;
	return add(text, line);
}
