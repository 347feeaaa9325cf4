/* Both ends of the control protocol. The first byte says in what pieces the rest reaches the reader. */

#include "core/base/cleanup.h"
#include "core/base/json_lines.h"
#include "core/shim/protocol.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

/* What a reader accepted can be said again, and is accepted again. */
static void read_as_shim(const json_t *json)
{
	struct shim_request request, again;
	struct error error;
	if (shim_request_parse(json, &request, &error) < 0) {
		expect(error.number < 0 && error.message[0]);
		return;
	}
	cleanup_json json_t *made = shim_request_make(request.id, request.command, request.arguments);
	expect(made && shim_request_parse(made, &again, NULL) == 0);
	expect(again.id == request.id && strcmp(again.command, request.command) == 0);
}

static void read_as_emud(const json_t *json)
{
	struct shim_message message;
	struct error error;
	if (shim_message_parse(json, &message, &error) < 0) {
		expect(error.number == -EPROTO);
		return;
	}
	expect(message.body != NULL);
	if (message.kind != SHIM_ERROR)
		return;
	shim_error_read(message.body, &error);
	expect(error.number < 0 && error.code);
	cleanup_json json_t *made = shim_error_make(message.id, &error, NULL);
	expect(made && shim_message_parse(made, &message, NULL) == 0 && message.kind == SHIM_ERROR);
}

static void read_all(struct json_lines *lines)
{
	struct error error;
	for (;;) {
		cleanup_json json_t *json = json_lines_next(lines, &error);
		if (!json && !error.number)
			return;
		if (!json)
			continue;
		read_as_shim(json);
		read_as_emud(json);
		cleanup_buffer struct buffer out = {0};
		expect(json_lines_append(&out, json) == 0);
		expect(memchr(out.data, '\n', out.length) == out.data + out.length - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { LINE_BYTES_MAX = 4096 };
	if (size < 1)
		return 0;
	size_t piece = data[0] ? data[0] : SIZE_MAX;
	struct json_lines lines;
	json_lines_init(&lines, LINE_BYTES_MAX);
	for (size_t at = 1, count; at < size; at += count) {
		count = piece < size - at ? piece : size - at;
		if (json_lines_feed(&lines, data + at, count, NULL) < 0)
			break;
		read_all(&lines);
	}
	json_lines_finish(&lines);
	return 0;
}
