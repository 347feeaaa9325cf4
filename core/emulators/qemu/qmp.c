#include "core/emulators/qemu/qmp.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <string.h>

/* The longest replies (qom-list of a big machine, the schema) have some hundred KiB. */
enum { QMP_LINE_BYTES = 16 * 1024 * 1024 };

void qmp_message_finish(struct qmp_message *message)
{
	json_decref(message->whole);
	*message = (struct qmp_message){0};
}

void qmp_codec_init(struct qmp_codec *codec)
{
	json_lines_init(&codec->lines, QMP_LINE_BYTES);
}

void qmp_codec_finish(struct qmp_codec *codec)
{
	json_lines_finish(&codec->lines);
}

int qmp_codec_feed(struct qmp_codec *codec, const void *bytes, size_t length, struct error *error)
{
	return json_lines_feed(&codec->lines, bytes, length, error);
}

static int read_message(json_t *whole, struct qmp_message *ret_message)
{
	struct qmp_message message = {.name = "", .description = "", .whole = whole};
	message.id = json_member_integer(whole, "id", 0);
	const json_t *fault = json_object_get(whole, "error");
	const char *event = json_member_string(whole, "event", NULL);
	if ((message.data = json_object_get(whole, "QMP"))) {
		message.kind = QMP_GREETING;
	} else if (event) {
		message.kind = QMP_EVENT;
		message.name = event;
		message.data = json_object_get(whole, "data");
	} else if (json_is_object(fault)) {
		message.kind = QMP_ERROR;
		message.name = json_member_string(fault, "class", "GenericError");
		message.description = json_member_string(fault, "desc", "");
	} else if ((message.data = json_object_get(whole, "return"))) {
		message.kind = QMP_RETURN;
	} else {
		return -EPROTO;
	}
	*ret_message = message;
	return 1;
}

int qmp_codec_next(struct qmp_codec *codec, struct qmp_message *ret_message, struct error *error)
{
	cleanup_json json_t *whole = json_lines_next(&codec->lines, error);
	if (!whole)
		return error->number;
	if (read_message(whole, ret_message) < 0)
		return error_set(error, -EPROTO, "emulator_error", "QEMU sent a line that is no QMP message");
	TAKE(whole);
	return 1;
}

bool qmp_is_integer(const char *text)
{
	text += *text == '-';
	return *text && !text[strspn(text, "0123456789")] && (text[0] != '0' || !text[1]);
}

int qmp_encode(struct buffer *out, json_int_t id, const char *command, const json_t *arguments,
	       const char *wide_value)
{
	if (wide_value && (!qmp_is_integer(wide_value) || !json_object_size(arguments)))
		return -EINVAL;
	/* The arguments come last and are not empty: a number goes in before the two closing braces. */
	cleanup_json json_t *request =
	    json_pack("{s:I, s:s, s:O*}", "id", id, "execute", command, "arguments", arguments);
	if (!request)
		return -ENOMEM;
	if (!wide_value)
		return json_lines_append(out, request);
	cleanup_free char *text = json_to_text(request);
	if (!text)
		return -ENOMEM;
	text[strlen(text) - 2] = '\0';
	return buffer_append_format(out, "%s,\"value\":%s}}\n", text, wide_value);
}
