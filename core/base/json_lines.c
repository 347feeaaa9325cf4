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

json_t *json_lines_next(struct json_lines *lines, struct error *error)
{
	*error = (struct error){0};
	struct buffer *pending = &lines->pending;
	for (;;) {
		size_t rest = pending->length - lines->scanned;
		char *end = rest ? memchr(pending->data + lines->scanned, '\n', rest) : NULL;
		if (!end) {
			lines->scanned = pending->length;
			return NULL;
		}
		size_t length = (size_t) (end - pending->data);
		lines->scanned = 0;
		if (length > lines->max_line_bytes) {
			error_set(error, -EMSGSIZE, NULL, "a line of more than %zu bytes",
				  lines->max_line_bytes);
			buffer_consume(pending, length + 1);
			return NULL;
		}
		if (is_blank(pending->data, length)) {
			buffer_consume(pending, length + 1);
			continue;
		}
		json_t *json = json_parse(pending->data, length, error);
		buffer_consume(pending, length + 1);
		return json;
	}
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
