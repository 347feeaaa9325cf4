#include "server/api/run_spec.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/fields.h"
#include "server/api/instance_spec.h"

#include <inttypes.h>
#include <stdio.h>

static const struct field run_fields[] = {
    {"target", FIELD_STRING, true},        {"file", FIELD_FILE, false},
    {"args", FIELD_STRING_LIST, false},    {"emulator", FIELD_STRING, false},
    {"channel", FIELD_STRING, false},      {"pass", FIELD_STRING_LIST, false},
    {"fail", FIELD_STRING_LIST, false},    {"timeout", FIELD_NUMBER, false},
    {"idle_timeout", FIELD_NUMBER, false}, {"queue_timeout", FIELD_NUMBER, false},
    {"input", FIELD_LIST, false},          {"detach", FIELD_BOOLEAN, false},
    {"strict", FIELD_BOOLEAN, false},      {"stream", FIELD_BOOLEAN, false},
    {"labels", FIELD_STRING_MAP, false},   {NULL, FIELD_ANY, false},
};

static const struct field step_fields[] = {
    {"expect", FIELD_STRING, false},
    {"send", FIELD_STRING, false},
    {"send_base64", FIELD_STRING, false},
    {NULL, FIELD_ANY, false},
};

static void point(char pointer[64], const char *list, size_t index, const char *member)
{
	snprintf(pointer, 64, "/%s/%zu%s", list, index, member);
}

static void check_form(const json_t *body, struct field_faults *faults)
{
	fields_check(body, run_fields, "", faults);
	const json_t *input = json_object_get(body, "input");
	for (size_t i = 0; i < json_array_size(input) && i < RUN_PATTERNS_MOST; i++) {
		const json_t *step = json_array_get(input, i);
		char pointer[64];
		point(pointer, "input", i, "");
		fields_check(step, step_fields, pointer, faults);
		point(pointer, "input", i, "/send");
		if (json_is_object(step) && !json_object_get(step, "send") &&
		    !json_object_get(step, "send_base64"))
			field_faults_add(faults, false, pointer, "is required (or send_base64)");
	}
}

/* ---- meaning ---- */

static void check_seconds(const json_t *body, const char *name, bool may_be_zero, struct field_faults *faults)
{
	const json_t *value = json_object_get(body, name);
	double seconds = json_number_value(value);
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (value && !(seconds <= RUN_SECONDS_MOST && (seconds > 0 || (may_be_zero && seconds == 0))))
		field_faults_add(faults, true, pointer, "must be %s %d seconds (31 days)",
				 may_be_zero ? "0 to" : "more than 0 and at most", RUN_SECONDS_MOST);
}

static void check_pattern(const json_t *regex, const char *pointer, struct field_faults *faults)
{
	size_t length = json_string_length(regex);
	if (regex && (length < 1 || length > RUN_PATTERN_BYTES_MOST))
		field_faults_add(faults, true, pointer, "a regular expression has 1 to %d bytes",
				 RUN_PATTERN_BYTES_MOST);
}

static void check_patterns(const json_t *body, const char *name, struct field_faults *faults)
{
	const json_t *patterns = json_object_get(body, name);
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (json_array_size(patterns) > RUN_PATTERNS_MOST)
		field_faults_add(faults, true, pointer, "at most %d patterns are taken", RUN_PATTERNS_MOST);
	for (size_t i = 0; i < json_array_size(patterns) && i < RUN_PATTERNS_MOST; i++) {
		point(pointer, name, i, "");
		check_pattern(json_array_get(patterns, i), pointer, faults);
	}
}

static void check_send(const json_t *step, size_t index, uint64_t input_bytes, struct field_faults *faults)
{
	const json_t *text = json_object_get(step, "send"), *base64 = json_object_get(step, "send_base64");
	cleanup_free void *bytes = NULL;
	size_t length = json_string_length(text);
	char pointer[64];
	point(pointer, "input", index, base64 ? "/send_base64" : "/send");
	if (text && base64)
		field_faults_add(faults, true, pointer, "send is given, too: give one of them");
	else if (base64 &&
		 base64_decode(json_string_value(base64), json_string_length(base64), &bytes, &length) < 0)
		field_faults_add(faults, true, pointer, "is no base64");
	else if (length > input_bytes)
		field_faults_add(faults, true, pointer,
				 "has more than %" PRIu64 " bytes (limits.input_bytes)", input_bytes);
}

static void check_input(const json_t *input, uint64_t input_bytes, struct field_faults *faults)
{
	if (json_array_size(input) > RUN_PATTERNS_MOST)
		field_faults_add(faults, true, "/input", "at most %d steps are taken", RUN_PATTERNS_MOST);
	for (size_t i = 0; i < json_array_size(input) && i < RUN_PATTERNS_MOST; i++) {
		const json_t *step = json_array_get(input, i);
		char pointer[64];
		point(pointer, "input", i, "/expect");
		check_pattern(json_object_get(step, "expect"), pointer, faults);
		check_send(step, i, input_bytes, faults);
	}
}

static void check_answer(const json_t *body, struct field_faults *faults)
{
	static const char *const waiting[] = {"/strict", "/stream"};
	if (!json_member_boolean(body, "detach", false))
		return;
	for (size_t i = 0; i < 2; i++)
		if (json_member_boolean(body, waiting[i] + 1, false))
			field_faults_add(faults, true, waiting[i],
					 "contradicts detach, which answers before anything has happened");
}

void run_spec_check(const json_t *body, uint64_t input_bytes, struct field_faults *faults)
{
	check_form(body, faults);
	if (faults->is_form)
		return;
	check_seconds(body, "timeout", false, faults);
	check_seconds(body, "idle_timeout", false, faults);
	check_seconds(body, "queue_timeout", true, faults);
	check_patterns(body, "pass", faults);
	check_patterns(body, "fail", faults);
	check_input(json_object_get(body, "input"), input_bytes, faults);
	labels_check(json_object_get(body, "labels"), faults);
	check_answer(body, faults);
}

/* ---- defaults ---- */

static json_t *normalize_step(const json_t *step)
{
	const json_t *text = json_object_get(step, "send");
	cleanup_free char *encoded =
	    text ? base64_encode(json_string_value(text), json_string_length(text)) : NULL;
	return json_pack("{s:O*, s:s}", "expect", json_object_get(step, "expect"), "send_base64",
			 text ? encoded : json_member_string(step, "send_base64", NULL));
}

static json_t *normalize_input(const json_t *input)
{
	cleanup_json json_t *steps = json_array();
	for (size_t i = 0; i < json_array_size(input); i++)
		if (json_array_append_new(steps, normalize_step(json_array_get(input, i))) < 0)
			return NULL;
	return TAKE(steps);
}

static json_t *list_or_empty(const json_t *body, const char *name)
{
	json_t *list = json_object_get(body, name);
	return list ? json_incref(list) : json_array();
}

json_t *run_spec_normalize(const json_t *body)
{
	json_t *labels = json_object_get(body, "labels"), *file = json_object_get(body, "file");
	json_t *idle = json_object_get(body, "idle_timeout");
	return json_pack("{s:O, s:O*, s:o*, s:o, s:O*, s:o, s:o, s:f, s:o*, s:f, s:o, s:o}", "target",
			 json_object_get(body, "target"), "emulator", json_object_get(body, "emulator"),
			 "file", file ? file_reference_normalize(file) : NULL, "args",
			 list_or_empty(body, "args"), "channel", json_object_get(body, "channel"), "pass",
			 list_or_empty(body, "pass"), "fail", list_or_empty(body, "fail"), "timeout",
			 json_member_real(body, "timeout", RUN_TIMEOUT_S), "idle_timeout",
			 idle ? json_real(json_number_value(idle)) : NULL, "queue_timeout",
			 json_member_real(body, "queue_timeout", RUN_QUEUE_TIMEOUT_S), "input",
			 normalize_input(json_object_get(body, "input")), "labels",
			 labels ? json_incref(labels) : json_object());
}
