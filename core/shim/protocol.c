#include "core/shim/protocol.h"

#include "core/base/json.h"
#include "core/base/text.h"

int shim_request_parse(const json_t *json, struct shim_request *ret_request, struct error *error)
{
	const json_t *id = json_object_get(json, "id");
	const json_t *arguments = json_object_get(json, "arguments");
	struct shim_request request = {
	    .id = json_integer_value(id),
	    .command = json_member_string(json, "command", NULL),
	    .arguments = arguments,
	};
	if (!json_is_integer(id))
		return error_set(error, -EINVAL, "bad_request", "a request needs an integer id");
	if (!request.command)
		return error_set(error, -EINVAL, "bad_request", "a request needs a command");
	if (arguments && !json_is_object(arguments))
		return error_set(error, -EINVAL, "bad_request", "arguments must be an object");
	*ret_request = request;
	return 0;
}

json_t *shim_greeting_make(const json_t *status)
{
	return json_pack("{s:{s:s, s:i}, s:O}", "emud-shim", "version", EMUD_VERSION, "protocol",
			 SHIM_PROTOCOL, "status", status);
}

json_t *shim_request_make(json_int_t id, const char *command, const json_t *arguments)
{
	return json_pack("{s:I, s:s, s:O*}", "id", id, "command", command, "arguments", arguments);
}

json_t *shim_reply_make(json_int_t id, const json_t *result)
{
	return json_pack("{s:I, s:O?}", "id", id, "return", result);
}

json_t *shim_error_make(json_int_t id, const struct error *error, const json_t *extra)
{
	json_t *body = json_pack("{s:s, s:o}", "code", error_code_or(error, "internal_error"), "detail",
				 json_text_of(error->message));
	if (body && extra)
		json_object_update_missing(body, (json_t *) extra);
	return json_pack("{s:I, s:o}", "id", id, "error", body);
}

json_t *shim_event_make(const char *event, const json_t *data)
{
	return json_pack("{s:s, s:O}", "event", event, "data", data);
}

int shim_message_parse(const json_t *json, struct shim_message *ret_message, struct error *error)
{
	struct shim_message message = {.id = json_member_integer(json, "id", -1)};
	const json_t *hello = json_object_get(json, "emud-shim");
	if (hello) {
		message.kind = SHIM_GREETING;
		message.body = json_object_get(json, "status");
		message.protocol = json_member_integer(hello, "protocol", 0);
		message.version = json_member_string(hello, "version", "");
	} else if ((message.event = json_member_string(json, "event", NULL))) {
		message.kind = SHIM_EVENT;
		message.body = json_object_get(json, "data");
	} else if ((message.body = json_object_get(json, "error"))) {
		message.kind = SHIM_ERROR;
	} else if ((message.body = json_object_get(json, "return"))) {
		message.kind = SHIM_REPLY;
	}
	bool needs_id = message.kind == SHIM_REPLY || message.kind == SHIM_ERROR;
	if (!message.body || (needs_id && message.id < 0))
		return error_set(error, -EPROTO, NULL, "not a message of the control protocol");
	*ret_message = message;
	return 0;
}

/* The codes a shim may send: an error bears a static string. */
static const char *const codes[] = {
    "already_running",
    "bad_request",
    "channel_busy",
    "channel_not_found",
    "command_refused",
    "conflict",
    "disk_full",
    "emulator_error",
    "emulator_timeout",
    "emulator_unavailable",
    "file_not_found",
    "insufficient_storage",
    "instance_busy",
    "internal_error",
    "invalid_file",
    "invalid_value",
    "no_descriptors",
    "no_watches",
    "not_implemented",
    "not_running",
    "property_not_found",
    "start_failed",
    "timeout",
    "unavailable",
    NULL,
};

void shim_error_read(const json_t *body, struct error *ret_error)
{
	const char *code = json_member_string(body, "code", "emulator_error");
	const char *const *known = codes;
	while (*known && !text_equal(*known, code))
		known++;
	error_set(ret_error, -EREMOTEIO, *known ? *known : "emulator_error", "%s",
		  json_member_string(body, "detail", "the shim gave no reason"));
}
