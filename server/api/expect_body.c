#include "server/api/expect_body.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/fields.h"
#include "server/api/replies.h"

#include <string.h>

enum { PATTERNS_MOST = 64, NAME_BYTES_MOST = 100 };

static const struct field body_fields[] = {
    {"patterns", FIELD_LIST, true},   {"send", FIELD_STRING, false},    {"send_base64", FIELD_STRING, false},
    {"offset", FIELD_INTEGER, false}, {"timeout", FIELD_NUMBER, false}, {NULL, FIELD_ANY, false},
};

static const struct field pattern_fields[] = {
    {"name", FIELD_STRING, true},
    {"regex", FIELD_STRING, true},
    {NULL, FIELD_ANY, false},
};

static void point(char pointer[64], size_t pattern, const char *member)
{
	snprintf(pointer, 64, "/patterns/%zu%s", pattern, member);
}

static void check_form(const json_t *json, struct field_faults *faults)
{
	fields_check(json, body_fields, "", faults);
	const json_t *patterns = json_object_get(json, "patterns");
	for (size_t i = 0; i < json_array_size(patterns) && i < PATTERNS_MOST; i++) {
		char pointer[64];
		point(pointer, i, "");
		fields_check(json_array_get(patterns, i), pattern_fields, pointer, faults);
	}
}

/* ---- meaning ---- */

static void check_name(const struct expect_body *body, size_t pattern, struct field_faults *faults)
{
	char pointer[64];
	const char *name = expect_body_name(body, pattern);
	point(pointer, pattern, "/name");
	if (!name[0] || strlen(name) > NAME_BYTES_MOST)
		field_faults_add(faults, true, pointer, "must have 1 to %d bytes", NAME_BYTES_MOST);
	for (size_t i = 0; i < pattern; i++)
		if (text_equal(expect_body_name(body, i), name)) {
			field_faults_add(faults, true, pointer, "is the name of pattern %zu already", i);
			return;
		}
}

/* NULL: nothing is sent, or a fault was added. */
static char *read_send(const json_t *json, struct field_faults *faults)
{
	const json_t *text = json_object_get(json, "send"), *base64 = json_object_get(json, "send_base64");
	cleanup_free void *bytes = NULL;
	size_t length;
	if (text && base64)
		field_faults_add(faults, true, "/send_base64", "send is given, too: give one of them");
	else if (text)
		return base64_encode(json_string_value(text), json_string_length(text));
	else if (base64 &&
		 base64_decode(json_string_value(base64), json_string_length(base64), &bytes, &length) < 0)
		field_faults_add(faults, true, "/send_base64", "is no base64");
	else if (base64)
		return base64_encode(bytes, length);
	return NULL;
}

static void check_meaning(struct expect_body *body, struct field_faults *faults)
{
	double timeout = json_member_real(body->json, "timeout", TIMEOUT_DEFAULT_S);
	if (timeout < 0 || timeout > TIMEOUT_MAX_S)
		field_faults_add(faults, true, "/timeout", "must be 0 to %d seconds", TIMEOUT_MAX_S);
	else
		body->timeout_ms = (uint64_t) (timeout * 1000);
	if (body->count < 1 || body->count > PATTERNS_MOST)
		field_faults_add(faults, true, "/patterns", "must be 1 to %d patterns", PATTERNS_MOST);
	for (size_t i = 0; i < body->count && i < PATTERNS_MOST; i++)
		check_name(body, i, faults);
	body->send = read_send(body->json, faults);
	body->has_offset = json_object_get(body->json, "offset");
	body->offset = json_member_integer(body->json, "offset", 0);
}

/* ---- */

bool expect_body_read(struct request *request, struct expect_body *ret_body, struct field_faults *faults)
{
	const json_t *json = request_json(request);
	check_form(json, faults);
	if (faults->is_form)
		return field_faults_reply(faults, request);
	*ret_body = (struct expect_body){.json = json_incref((json_t *) json),
					 .count = json_array_size(json_object_get(json, "patterns"))};
	check_meaning(ret_body, faults);
	return true;
}

void expect_body_finish(struct expect_body *body)
{
	json_decref(body->json);
	free(body->send);
}

static const json_t *pattern_of(const struct expect_body *body, size_t pattern)
{
	return json_array_get(json_object_get(body->json, "patterns"), pattern);
}

const char *expect_body_name(const struct expect_body *body, size_t pattern)
{
	return json_member_string(pattern_of(body, pattern), "name", "");
}

struct pattern_set *expect_body_compile(const struct expect_body *body, struct field_faults *faults)
{
	struct error error;
	struct pattern_set *set = pattern_set_create(&error);
	for (size_t i = 0; set && i < body->count && i < PATTERNS_MOST; i++) {
		const json_t *regex = json_object_get(pattern_of(body, i), "regex");
		char pointer[64];
		point(pointer, i, "/regex");
		if (pattern_set_add(set, json_string_value(regex), json_string_length(regex), &error) < 0)
			field_faults_add(faults, true, pointer, "%s", error.message);
	}
	return set;
}
