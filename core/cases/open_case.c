#include "core/cases/open_case.h"

void open_case_finish(struct open_case *open)
{
	buffer_finish(&open->suite);
	buffer_finish(&open->name);
	case_text_finish(&open->text);
}

static struct span span_of_buffer(const struct buffer *buffer)
{
	return (struct span){buffer->length ? buffer->data : "", buffer->length};
}

int open_case_abandon(struct open_case *open, struct case_list *list)
{
	if (!open->is_open)
		return 0;
	open->is_open = false;
	struct case_text text = {0};
	const struct case_found found = {.suite = span_of_buffer(&open->suite),
					 .name = span_of_buffer(&open->name),
					 .result = CASE_ERROR,
					 .seconds = -1,
					 .text = &text};
	int result = case_text_add_line(&text, SPAN("begun and never ended"));
	if (result == 0)
		result = case_text_add_line(&text, span_of_buffer(&open->text.kept));
	text.left_out += open->text.left_out;
	if (result == 0)
		result = case_list_add(list, &found);
	case_text_finish(&text);
	return result;
}

int open_case_begin(struct open_case *open, struct case_list *list, struct span suite, struct span name)
{
	int result = open_case_abandon(open, list);
	if (result < 0)
		return result;
	buffer_clear(&open->suite);
	buffer_clear(&open->name);
	case_text_clear(&open->text);
	if (buffer_append(&open->suite, suite.text, suite.length) < 0 ||
	    buffer_append(&open->name, name.text, name.length) < 0)
		return -ENOMEM;
	open->is_open = true;
	return 0;
}

int open_case_add_line(struct open_case *open, struct span line)
{
	return open->is_open ? case_text_add_line(&open->text, line) : 0;
}

int open_case_end(struct open_case *open, struct case_list *list, const struct case_found *found)
{
	struct case_found ended = *found;
	bool is_this = open->is_open && span_equal(span_of_buffer(&open->suite), found->suite) &&
		       span_equal(span_of_buffer(&open->name), found->name);
	int result = is_this ? 0 : open_case_abandon(open, list);
	if (result < 0)
		return result;
	if (is_this && !ended.text && ended.result != CASE_PASSED)
		ended.text = &open->text;
	open->is_open = false;
	return case_list_add(list, &ended);
}
