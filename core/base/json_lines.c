#include "core/base/json_lines.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <string.h>

void json_lines_init(struct json_lines *lines, size_t max_line_bytes)
{
	*lines = (struct json_lines){.max_line_bytes = max_line_bytes};
}

void json_lines_finish(struct json_lines *lines)
{
	buffer_finish(&lines->pending);
}

int json_lines_feed(struct json_lines *lines, const void *data, size_t length, struct error *error)
{
	if (buffer_append(&lines->pending, data, length) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (lines->pending.length <= lines->max_line_bytes)
		return 0;
	if (memchr(lines->pending.data, '\n', lines->max_line_bytes + 1))
		return 0;
	return error_set(error, -EMSGSIZE, NULL, "a line of more than %zu bytes", lines->max_line_bytes);
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r", text[i]) || !text[i])
			return false;
	return true;
}

/* Where the first line that is not blank begins; *ret_end is its newline, or NULL: it is not whole yet. */
static size_t find_line(struct json_lines *lines, char **ret_end)
{
	const struct buffer *pending = &lines->pending;
	size_t start = 0, scanned = lines->scanned;
	for (;;) {
		size_t rest = pending->length - start - scanned;
		*ret_end = NULL;
		if (rest == 0)
			return start;
		char *line = pending->data + start, *end = memchr(line + scanned, '\n', rest);
		*ret_end = end;
		if (!end || !is_blank(line, (size_t) (end - line)))
			return start;
		start += (size_t) (end - line) + 1;
		scanned = 0;
	}
}

json_t *json_lines_next(struct json_lines *lines, struct error *error)
{
	*error = (struct error){0};
	struct buffer *pending = &lines->pending;
	char *end;
	size_t start = find_line(lines, &end);
	if (!end) {
		buffer_consume(pending, start);
		lines->scanned = pending->length;
		return NULL;
	}
	size_t length = (size_t) (end - pending->data) - start;
	json_t *json = NULL;
	lines->scanned = 0;
	if (length > lines->max_line_bytes)
		error_set(error, -EMSGSIZE, NULL, "a line of more than %zu bytes", lines->max_line_bytes);
	else
		json = json_parse(pending->data + start, length, error);
	buffer_consume(pending, start + length + 1);
	return json;
}

int json_lines_append(struct buffer *out, const json_t *json)
{
	cleanup_free char *text = json_to_text(json);
	if (!text)
		return -ENOMEM;
	size_t before = out->length;
	if (buffer_append_text(out, text) < 0 || buffer_append(out, "\n", 1) < 0) {
		out->length = before;
		return -ENOMEM;
	}
	return 0;
}
