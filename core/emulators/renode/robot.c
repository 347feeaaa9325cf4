#include "core/emulators/renode/robot.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/renode/xmlrpc.h"

#include <string.h>

/* One request a connection: which of two ends an idle connection closes first is then no question. */
static const char head[] = "POST / HTTP/1.1\r\n"
			   "Host: localhost\r\n"
			   "Content-Type: text/xml\r\n"
			   "Connection: close\r\n"
			   "Content-Length: ";

int robot_encode(struct buffer *out, const char *keyword, const char *argument)
{
	cleanup_buffer struct buffer body = {0};
	cleanup_json json_t *params =
	    argument ? json_pack("[s, [s]]", keyword, argument) : json_pack("[s, []]", keyword);
	if (!params || xmlrpc_encode_call(&body, "run_keyword", params) < 0)
		return -ENOMEM;
	int result = buffer_append_format(out, "%s%zu\r\n\r\n", head, body.length);
	return result ? result : buffer_append(out, body.data, body.length);
}

static bool is_space(char character)
{
	return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* A copy without the white space around it. */
static char *trim(const char *text)
{
	while (is_space(*text))
		text++;
	size_t length = strlen(text);
	while (length > 0 && is_space(text[length - 1]))
		length--;
	return strndup(text, length);
}

/* The words of a failure, without the name of the class of them. */
static void set_words(struct error *error, const char *words)
{
	static const char prefix[] = "KeywordException: ";
	if (text_starts_with(words, prefix))
		words += strlen(prefix);
	cleanup_free char *trimmed = trim(words);
	bool is_empty = !trimmed || !*trimmed;
	error_set(error, -EREMOTEIO, "emulator_error", "%s",
		  is_empty ? "Renode refused it without a word" : trimmed);
}

char *robot_decode(const char *body, size_t length, struct error *error)
{
	struct xmlrpc_response response = {0};
	char *text = NULL;
	if (xmlrpc_decode_response(body, length, &response, error) < 0)
		return NULL;
	const char *status = json_member_string(response.value, "status", NULL);
	if (response.is_fault) {
		set_words(error, json_member_string(response.value, "faultString", ""));
	} else if (text_equal(status, "PASS")) {
		text = trim(json_member_string(response.value, "return", ""));
		if (!text)
			error_set(error, -ENOMEM, NULL, "no memory");
	} else if (status) {
		set_words(error, json_member_string(response.value, "error", ""));
	} else {
		error_set(error, -EBADMSG, "emulator_error", "Renode's answer bears no status");
	}
	xmlrpc_response_finish(&response);
	return text;
}
