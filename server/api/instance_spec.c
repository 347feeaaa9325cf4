#include "server/api/instance_spec.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/fields.h"

#include <string.h>

enum { LABEL_VALUE_MAX = 255 };

static const struct field spec_fields[] = {
    {"target", FIELD_STRING, false},   {"id", FIELD_STRING, false},     {"path", FIELD_STRING, false},
    {"emulator", FIELD_STRING, false}, {"file", FIELD_FILE, false},     {"args", FIELD_STRING_LIST, false},
    {"paused", FIELD_BOOLEAN, false},  {"debug", FIELD_BOOLEAN, false}, {"labels", FIELD_STRING_MAP, false},
    {"start", FIELD_BOOLEAN, false},   {NULL, FIELD_ANY, false},
};

static const struct field start_fields[] = {
    {"paused", FIELD_BOOLEAN, false},
    {"file", FIELD_FILE, false},
    {"args", FIELD_STRING_LIST, false},
    {NULL, FIELD_ANY, false},
};

static bool is_label_key(const char *key)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
	size_t length = strlen(key);
	return length >= 1 && length <= 63 && strspn(key, allowed) == length && !strchr("._/-", key[0]);
}

void labels_check(const json_t *labels, struct field_faults *faults)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *) labels, key, value) {
		char pointer[300];
		snprintf(pointer, sizeof(pointer), "/labels/%.200s", key);
		if (!is_label_key(key))
			field_faults_add(faults, true, pointer,
					 "a label's name is 1 to 63 of A-Z a-z 0-9 . _ / - and begins with a "
					 "letter or digit");
		if (json_string_length(value) > LABEL_VALUE_MAX)
			field_faults_add(faults, true, pointer, "a label's value has at most %d bytes",
					 LABEL_VALUE_MAX);
	}
}

static void check_meaning(const json_t *body, const char *put_id, struct field_faults *faults)
{
	const char *id = json_member_string(body, "id", NULL);
	const char *path = json_member_string(body, "path", NULL);
	/* A path in which pw emu has started something tells the target. */
	if (!path && !json_object_get(body, "target"))
		field_faults_add(faults, false, "/target", "is required");
	if (id && !text_is_id(id))
		field_faults_add(faults, true, "/id",
				 "must be 1 to 63 of A-Z a-z 0-9 . _ - and begin with a letter or digit");
	if (id && put_id && !text_equal(id, put_id))
		field_faults_add(faults, true, "/id", "is not the id of the URL");
	if (path && path[0] != '/')
		field_faults_add(faults, true, "/path", "must be absolute");
	labels_check(json_object_get(body, "labels"), faults);
}

bool instance_spec_check(struct request *request, const json_t *body, const char *put_id)
{
	struct field_faults faults = {0};
	if (put_id && !text_is_id(put_id))
		field_faults_add(&faults, true, "/id",
				 "must be 1 to 63 of A-Z a-z 0-9 . _ - and begin with a letter or digit");
	fields_check(body, spec_fields, "", &faults);
	if (!faults.is_form)
		check_meaning(body, put_id, &faults);
	return field_faults_reply(&faults, request);
}

json_t *file_reference_normalize(const json_t *file)
{
	const char *text = json_string_value(file);
	if (!text)
		return json_incref((json_t *) file);
	if (text_starts_with(text, "sha256:"))
		return json_pack("{s:s}", "sha256", text + strlen("sha256:"));
	return json_pack("{s:s}", "path", text);
}

json_t *instance_spec_normalize(const json_t *body)
{
	json_t *args = json_object_get(body, "args"), *labels = json_object_get(body, "labels");
	json_t *file = json_object_get(body, "file");
	json_t *spec = json_pack("{s:b, s:b, s:b}", "paused", json_member_boolean(body, "paused", false),
				 "debug", json_member_boolean(body, "debug", false), "start",
				 json_member_boolean(body, "start", true));
	if (!spec)
		return NULL;
	json_object_set_new(spec, "args", args ? json_incref(args) : json_array());
	json_object_set_new(spec, "labels", labels ? json_incref(labels) : json_object());
	if (file)
		json_object_set_new(spec, "file", file_reference_normalize(file));
	json_object_set(spec, "target", json_object_get(body, "target"));
	json_object_set(spec, "emulator", json_object_get(body, "emulator"));
	json_object_set(spec, "path", json_object_get(body, "path"));
	return spec;
}

bool start_request_check(struct request *request, const json_t *body)
{
	struct field_faults faults = {0};
	if (body)
		fields_check(body, start_fields, "", &faults);
	return field_faults_reply(&faults, request);
}
