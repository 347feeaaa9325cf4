/* What a driver says, taken for every answer it could be. The first byte says in what pieces it comes. */

#include "core/base/cleanup.h"
#include "core/base/json_lines.h"
#include "core/base/text.h"
#include "core/config/file_names.h"
#include "core/emulators/external/driver_codec.h"
#include "core/emulators/external/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void expect_told(const struct error *error)
{
	expect(error->number < 0 && error->message[0]);
}

/* Nothing of a plan that was taken can leave the state directory. */
static void check_plan(const struct external_plan *plan)
{
	expect(plan->argv && plan->argv[0] && plan->argv[0][0]);
	expect(plan->environment && plan->count <= EXTERNAL_CHANNELS_MAX);
	for (size_t i = 0; i < plan->count; i++) {
		const struct external_channel *offer = &plan->offers[i];
		expect(!file_names_complain_of_channel(plan->channels[i].name));
		expect(!plan->channels[i].socket_name);
		expect(!offer->socket || (!strchr(offer->socket, '/') && offer->socket[0] != '.'));
		expect(offer->port >= 0 && offer->port <= UINT16_MAX);
		expect(!offer->path ||
		       (text_starts_with(offer->path, "/dev/pts/") && !strstr(offer->path, "..")));
	}
}

static void read_plan(const json_t *body)
{
	struct external_plan plan = {0};
	struct error error = {0};
	if (external_plan_parse(body, json_object_get(body, "declared"), &plan, &error) < 0) {
		expect_told(&error);
		expect(!plan.argv);
		return;
	}
	check_plan(&plan);
	if (external_plan_complete(&plan, json_object_get(body, "late"), &error) < 0)
		expect_told(&error);
	check_plan(&plan);
	external_plan_finish(&plan);
}

static void read_message(const json_t *json)
{
	struct driver_message message;
	struct error error = {0};
	unsigned capabilities;
	if (driver_message_parse(json, &message, &error) < 0) {
		expect_told(&error);
		return;
	}
	if (message.kind == DRIVER_EVENT) {
		expect(message.name != NULL);
	} else if (message.kind == DRIVER_ERROR) {
		expect(message.words && driver_error_code(message.name));
	} else {
		if (driver_hello_parse(message.body, &capabilities, &error) < 0)
			expect_told(&error);
		read_plan(message.body);
	}
}

static void read_all(struct json_lines *lines)
{
	struct error error;
	for (;;) {
		cleanup_json json_t *json = json_lines_next(lines, &error);
		if (!json && !error.number)
			return;
		if (json)
			read_message(json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { LINE_BYTES_MAX = 4096, INPUT_BYTES_MAX = 16 * LINE_BYTES_MAX };
	if (size < 1 || size > INPUT_BYTES_MAX)
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
