#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "server/api/fields.h"

/* A query parameter that must be there and not be empty; NULL: the problem was replied. */
static const char *require_query(struct request *request, const char *name)
{
	const char *value = request_query(request, name);
	if (value && value[0])
		return value;
	reply_problem(request, "invalid_parameter", "the query needs %s", name);
	return NULL;
}

static void reply_list(struct request *request, const json_t *result, void *data)
{
	(void) data;
	reply_json(request, 200,
		   json_pack("{s:s, s:O}", "path", request_query(request, "path"), "properties", result));
}

void list_properties(struct request *request, void *app)
{
	struct board *board = require_board(request, app);
	const char *path = board ? require_query(request, "path") : NULL;
	uint64_t timeout_ms;
	if (!path || !query_timeout_ms(request, &timeout_ms))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s}", "path", path);
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

static void reply_set(struct request *request, const json_t *result, void *data)
{
	(void) result;
	(void) data;
	reply_json(request, 200, describe(request, json_object_get(request_json(request), "value")));
}

void get_property(struct request *request, void *app)
{
	struct board *board = require_board(request, app);
	const char *path = board ? require_query(request, "path") : NULL;
	const char *name = path ? require_query(request, "name") : NULL;
	uint64_t timeout_ms;
	if (!name || !query_timeout_ms(request, &timeout_ms))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s, s:s}", "path", path, "name", name);
	command_board(request, board, "property-get", arguments, timeout_ms, reply_value, NULL);
}

void set_property(struct request *request, void *app)
{
	static const struct field fields[] = {{"value", FIELD_ANY, true}, {NULL, FIELD_ANY, false}};
	struct field_faults faults = {0};
	struct board *board = require_board(request, app);
	const char *path = board ? require_query(request, "path") : NULL;
	const char *name = path ? require_query(request, "name") : NULL;
	uint64_t timeout_ms;
	if (!name || !query_timeout_ms(request, &timeout_ms))
		return;
	fields_check(request_json(request), fields, "", &faults);
	if (!field_faults_reply(&faults, request))
		return;
	cleanup_json json_t *arguments = json_pack("{s:s, s:s, s:O}", "path", path, "name", name, "value",
						   json_object_get(request_json(request), "value"));
	command_board(request, board, "property-set", arguments, timeout_ms, reply_set, NULL);
}
