#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/emulators/registry.h"
#include "server/api/firmware_open.h"

#include <string.h>

/* Why the target cannot be started here, or NULL. Caller frees. */
static char *unavailable_reason(const json_t *resolved, const struct error *error)
{
	return resolved ? firmware_unavailable_reason(resolved) : strdup(error->message);
}

/* As a firmware's ELF header is told by GET /files; NULL: unknown. */
static const char *firmware_machine(const json_t *resolved)
{
	const struct emulator *emulator = emulator_find(json_member_string(resolved, "emulator", ""));
	return emulator && emulator->firmware_machine
		   ? emulator->firmware_machine(json_object_get(resolved, "settings"))
		   : NULL;
}

static json_t *describe(const struct config *config, const char *name)
{
	struct error error = {0};
	const char *const *emulators = config_target_emulators(config, name);
	cleanup_json json_t *resolved = config_resolve(config, name, NULL, &error);
	cleanup_free char *reason = unavailable_reason(resolved, &error);
	const json_t *settings = json_object_get(resolved, "settings");
	json_t *channels = resolved ? config_describe_channels(config, name, NULL) : NULL;
	json_t *gdb = json_object_get(resolved, "gdb");
	return json_pack("{s:s, s:s, s:o, s:s?, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o}", "name", name,
			 "emulator", emulators && emulators[0] ? emulators[0] : "", "emulators",
			 json_from_text_vector(emulators), "machine",
			 json_member_string(settings, "machine", NULL), "executable",
			 json_member_string(settings, "executable", NULL), "firmware_machine",
			 resolved ? firmware_machine(resolved) : NULL, "available", reason == NULL,
			 "unavailable_reason", json_text_of(reason), "channels",
			 channels ? channels : json_object(), "gdb", gdb ? json_incref(gdb) : json_array(),
			 "source", json_text_of(config_target_source(config, name)));
}

void list_targets(struct request *request, void *data)
{
	struct app *app = data;
	struct page_query page;
	if (!query_page(request, &page))
		return;
	const struct config *config = fleet_config(app->fleet);
	json_t *items = json_array();
	const char *last = NULL, *next_cursor = NULL;
	for (const char *const *name = config_target_names(config); name && *name; name++) {
		if (page.cursor && strcmp(*name, page.cursor) <= 0)
			continue;
		if ((int64_t) json_array_size(items) == page.limit) {
			next_cursor = last;
			break;
		}
		json_array_append_new(items, describe(config, *name));
		last = *name;
	}
	reply_json(request, 200, json_pack("{s:o, s:s?}", "targets", items, "next_cursor", next_cursor));
}

void get_target(struct request *request, void *data)
{
	struct app *app = data;
	const struct config *config = fleet_config(app->fleet);
	const char *name = request_parameter(request, "name");
	if (config_has_target(config, name))
		reply_json(request, 200, describe(config, name));
	else
		reply_problem(request, "not_found", "there is no target %.100s: GET /targets lists them",
			      name);
}
