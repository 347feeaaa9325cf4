#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/connector.h"
#include "core/emulators/registry.h"
#include "server/api/fields.h"

/* True where the query has all of names (NULL-terminated), none empty; else the problem that names each was
 * replied. */
static bool require_query(struct request *request, const char *const *names)
{
	json_t *errors = NULL;
	for (; *names; names++) {
		const char *value = request_query(request, *names);
		if (value && value[0])
			continue;
		cleanup_free char *pointer = text_format("?%s", *names);
		json_add_fault(&errors, pointer ? pointer : "?", "is required");
	}
	if (errors)
		reply_problem_list(request, "invalid_parameter", "the query lacks what errors names", errors);
	return !errors;
}

static const char *const object_names[] = {"path", NULL};
static const char *const property_names[] = {"path", "name", NULL};

static void reply_list(struct request *request, const json_t *result, void *data)
{
	(void) data;
	bool has_methods = json_is_object(result);
	json_t *properties = has_methods ? json_object_get(result, "properties") : (json_t *) result;
	json_t *methods = has_methods ? json_object_get(result, "methods") : NULL;
	reply_json(request, 200,
		   json_pack("{s:s, s:O, s:O*}", "path", request_query(request, "path"), "properties",
			     properties, "methods", methods));
}

void list_properties(struct request *request, void *app)
{
	struct board *board = require_board(request, app);
	uint64_t timeout_ms;
	if (!board || !require_query(request, object_names) || !query_timeout_ms(request, &timeout_ms))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s}", "path", request_query(request, "path"));
	command_board(request, board, "property-list", arguments, timeout_ms, reply_list, NULL);
}

static json_t *describe(const struct request *request, const json_t *value)
{
	return json_pack("{s:s, s:s, s:O}", "path", request_query(request, "path"), "name",
			 request_query(request, "name"), "value", value);
}

static void reply_value(struct request *request, const json_t *result, void *data)
{
	(void) data;
	reply_json(request, 200, describe(request, result));
}

/* What an emulator that speaks text said, beside what it means. */
static void reply_value_and_text(struct request *request, const json_t *result, void *data)
{
	(void) data;
	json_t *described = describe(request, json_object_get(result, "value"));
	json_object_set(described, "raw", json_object_get(result, "raw"));
	reply_json(request, 200, described);
}

static void reply_set(struct request *request, const json_t *result, void *data)
{
	(void) result;
	(void) data;
	reply_json(request, 200, describe(request, json_object_get(request_json(request), "value")));
}

void get_property(struct request *request, void *app)
{
	struct board *board = require_board(request, app);
	uint64_t timeout_ms;
	if (!board || !require_query(request, property_names) || !query_timeout_ms(request, &timeout_ms))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s, s:s}", "path", request_query(request, "path"),
						   "name", request_query(request, "name"));
	const struct emulator *emulator = emulator_find(board_emulator(board));
	bool bears_text = emulator && emulator->connector->values_bear_text;
	command_board(request, board, "property-get", arguments, timeout_ms,
		      bears_text ? reply_value_and_text : reply_value, NULL);
}

void set_property(struct request *request, void *app)
{
	static const struct field fields[] = {{"value", FIELD_ANY, true}, {NULL, FIELD_ANY, false}};
	struct field_faults faults = {0};
	struct board *board = require_board(request, app);
	uint64_t timeout_ms;
	if (!board || !require_query(request, property_names) || !query_timeout_ms(request, &timeout_ms))
		return;
	fields_check(request_json(request), fields, "", &faults);
	if (!field_faults_reply(&faults, request))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s, s:s, s:O}", "path", request_query(request, "path"),
						   "name", request_query(request, "name"), "value",
						   json_object_get(request_json(request), "value"));
	command_board(request, board, "property-set", arguments, timeout_ms, reply_set, NULL);
}
