#pragma once

/* The framing that QMP, the shim's control protocol and emulator drivers share: one JSON value a line. */

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <jansson.h>

struct json_lines {
	struct buffer pending;
	size_t max_line_bytes; /* a longer line is an error */
	size_t scanned;
};

void json_lines_init(struct json_lines *lines, size_t max_line_bytes);
void json_lines_finish(struct json_lines *lines);

/* Takes bytes as they come. 0, -ENOMEM, or -EMSGSIZE when a line grows beyond the limit. */
int json_lines_feed(struct json_lines *lines, const void *data, size_t length, struct error *error);

/* The next whole value (new reference), or NULL: with error->number 0 when none is complete yet, negative
 * when a line is not JSON (the line is consumed). error must not be NULL. Empty lines are passed over. */
json_t *json_lines_next(struct json_lines *lines, struct error *error);

/* One value with its newline, appended to out. */
int json_lines_append(struct buffer *out, const json_t *json);
