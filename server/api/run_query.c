#include "server/api/run_query.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/fields.h"

#include <stdio.h>
#include <string.h>

typedef json_t *read_parameter(struct request *request, const char *name, struct field_faults *faults);

static read_parameter read_text, read_list, read_seconds, read_flag, read_json, read_labels;

static const struct parameter {
	const char *name, *member;
	read_parameter *read; /* NULL: a fault was added */
} parameters[] = {
    {"target", "target", read_text},
    {"file", "file", read_text},
    {"args", "args", read_list},
    {"emulator", "emulator", read_text},
    {"channel", "channel", read_text},
    {"pass", "pass", read_list},
    {"fail", "fail", read_list},
    {"timeout", "timeout", read_seconds},
    {"idle_timeout", "idle_timeout", read_seconds},
    {"queue_timeout", "queue_timeout", read_seconds},
    {"input", "input", read_json},
    {"detach", "detach", read_flag},
    {"strict", "strict", read_flag},
    {"stream", "stream", read_flag},
    {"label", "labels", read_labels},
};

enum { PARAMETER_COUNT = sizeof(parameters) / sizeof(parameters[0]) };

static json_t *read_text(struct request *request, const char *name, struct field_faults *faults)
{
	(void) faults;
	return json_string(request_query(request, name));
}

static json_t *read_list(struct request *request, const char *name, struct field_faults *faults)
{
	(void) faults;
	json_t *list = json_array();
	size_t index = 0;
	for (const char *value; (value = request_query_next(request, name, &index));)
		json_array_append_new(list, json_string(value));
	return list;
}

/* Whether the number makes sense is judged with the rest. */
static json_t *read_seconds(struct request *request, const char *name, struct field_faults *faults)
{
	double seconds;
	if (text_to_double(request_query(request, name), &seconds) == 0)
		return json_real(seconds);
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "/%s", name);
	field_faults_add(faults, false, pointer, "must be a number of seconds");
	return NULL;
}

static json_t *read_flag(struct request *request, const char *name, struct field_faults *faults)
{
	bool flag;
	if (request_query_boolean(request, name, &flag, NULL) == 0)
		return json_boolean(flag);
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "/%s", name);
	field_faults_add(faults, false, pointer, "must be true or false");
	return NULL;
}

static json_t *read_json(struct request *request, const char *name, struct field_faults *faults)
{
	const char *text = request_query(request, name);
	struct error error;
	char pointer[64];
	json_t *json = json_parse(text, strlen(text), &error);
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (!json)
		field_faults_add(faults, false, pointer, "%s", error.message);
	return json;
}

static json_t *read_labels(struct request *request, const char *name, struct field_faults *faults)
{
	json_t *labels = json_object();
	size_t index = 0;
	for (const char *value; (value = request_query_next(request, name, &index));) {
		const char *colon = strchr(value, ':');
		cleanup_free char *key = colon ? strndup(value, (size_t) (colon - value)) : NULL;
		if (!key)
			field_faults_add(faults, false, "/labels", "must be key:value");
		else if (json_object_get(labels, key))
			field_faults_add(faults, false, "/labels", "%.100s is given more than once", key);
		else
			json_object_set_new(labels, key, json_string(colon + 1));
	}
	return labels;
}

json_t *run_query_read(struct request *request, struct field_faults *faults)
{
	json_t *json = json_object();
	for (size_t i = 0; json && i < PARAMETER_COUNT; i++) {
		const struct parameter *parameter = &parameters[i];
		if (request_query(request, parameter->name))
			json_object_set_new(json, parameter->member,
					    parameter->read(request, parameter->name, faults));
	}
	return json;
}

void run_query_refuse(struct request *request, struct field_faults *faults)
{
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		char pointer[64];
		snprintf(pointer, sizeof(pointer), "?%s", parameters[i].name);
		if (request_query(request, parameters[i].name))
			field_faults_add(faults, false, pointer,
					 "is a member where the spec is JSON (%s), not a query parameter",
					 parameters[i].member);
	}
}

void run_query_name_faults(struct field_faults *faults)
{
	for (size_t i = 0; i < json_array_size(faults->list); i++) {
		json_t *fault = json_array_get(faults->list, i);
		const char *pointer = json_member_string(fault, "pointer", "");
		pointer += pointer[0] == '/';
		bool is_label = text_starts_with(pointer, "labels");
		/* All that can be wrong with it is that it is not there. */
		if (text_equal(pointer, "target"))
			json_object_set_new(
			    fault, "detail",
			    json_string("is required (where the body is JSON and names it, say "
					"Content-Type: application/json, as curl --json does)"));
		cleanup_free char *name = text_format("?%s%s", is_label ? "label" : pointer,
						      is_label ? pointer + strlen("labels") : "");
		if (name)
			json_object_set_new(fault, "pointer", json_string(name));
	}
}
