#include "core/emulators/external/driver_codec.h"

#include "core/base/json.h"
#include "core/base/text.h"

json_t *driver_request_make(json_int_t id, const char *command, const json_t *arguments)
{
	return json_pack("{s:I, s:s, s:O*}", "id", id, "command", command, "arguments", arguments);
}

static int read_error(const json_t *body, struct driver_message *message, struct error *error)
{
	message->kind = DRIVER_ERROR;
	message->name = json_member_string(body, "code", "emulator_error");
	message->words = json_member_string(body, "message", NULL);
	if (!message->words)
		return error_set(error, -EPROTO, NULL, "gave an error without a message");
	return 0;
}

int driver_message_parse(const json_t *json, struct driver_message *ret_message, struct error *error)
{
	const json_t *event = json_object_get(json, "event");
	const json_t *result = json_object_get(json, "return");
	const json_t *failure = json_object_get(json, "error");
	struct driver_message message = {.id = json_member_integer(json, "id", -1)};
	if (!json_is_object(json))
		return error_set(error, -EPROTO, NULL, "said something that is no JSON object");
	if (event) {
		message.kind = DRIVER_EVENT;
		message.name = json_string_value(event);
		message.body = json_object_get(json, "data");
		if (!message.name)
			return error_set(error, -EPROTO, NULL,
					 "named an event by something that is no string");
	} else {
		if (!result == !failure)
			return error_set(
			    error, -EPROTO, NULL,
			    "said something that is neither an event nor a reply with \"return\" or "
			    "\"error\"");
		if (message.id < 0)
			return error_set(error, -EPROTO, NULL, "gave a reply without the id of its request");
		message.kind = DRIVER_RETURN;
		message.body = result;
		if (failure && read_error(failure, &message, error) < 0)
			return -EPROTO;
	}
	*ret_message = message;
	return 0;
}

const char *driver_error_code(const char *code)
{
	static const char *const codes[] = {"emulator_error", "file_not_found",  "invalid_file",
					    "invalid_value",  "not_implemented", "property_not_found"};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (text_equal(code, codes[i]))
			return codes[i];
	return "emulator_error";
}

int driver_hello_parse(const json_t *body, unsigned *ret_capabilities, struct error *error)
{
	static const struct {
		const char *name;
		enum driver_capability capability;
	} known[] = {
	    {"reset", DRIVER_CAN_RESET},      {"pause", DRIVER_CAN_PAUSE},
	    {"resume", DRIVER_CAN_RESUME},    {"property-list", DRIVER_CAN_LIST},
	    {"property-get", DRIVER_CAN_GET}, {"property-set", DRIVER_CAN_SET},
	    {"quit", DRIVER_CAN_QUIT},        {"holds", DRIVER_HOLDS},
	};
	json_int_t protocol = json_member_integer(body, "protocol", -1);
	const json_t *names = json_object_get(body, "capabilities");
	if (protocol != DRIVER_PROTOCOL)
		return error_set(error, -EPROTO, NULL,
				 "speaks no protocol that this emud speaks: its \"protocol\" must be %d",
				 DRIVER_PROTOCOL);
	if (!json_is_array(names))
		return error_set(error, -EPROTO, NULL, "told no list of its \"capabilities\"");
	unsigned capabilities = 0;
	size_t index;
	const json_t *name;
	json_array_foreach (names, index, name) {
		if (!json_is_string(name))
			return error_set(error, -EPROTO, NULL,
					 "named a capability by something that is no string");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (text_equal(json_string_value(name), known[i].name))
				capabilities |= known[i].capability;
	}
	if (capabilities & DRIVER_HOLDS && !(capabilities & DRIVER_CAN_RESUME))
		return error_set(error, -EPROTO, NULL, "has the capability \"holds\" without \"resume\"");
	*ret_capabilities = capabilities;
	return 0;
}
