#include "server/api/fields.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <stdarg.h>

void field_faults_add(struct field_faults *faults, bool is_meaning, const char *pointer,
		      const char *detail_format, ...)
{
	char detail[512];
	va_list arguments;
	va_start(arguments, detail_format);
	vsnprintf(detail, sizeof(detail), detail_format, arguments);
	va_end(arguments);
	json_add_fault(&faults->list, pointer, detail);
	faults->is_meaning |= is_meaning;
	faults->is_form |= !is_meaning;
}

bool field_faults_reply(struct field_faults *faults, struct request *request)
{
	return field_faults_reply_as(faults, request, faults->is_form ? "invalid_request" : "invalid_value");
}

bool field_faults_reply_as(struct field_faults *faults, struct request *request, const char *code)
{
	size_t count = json_array_size(faults->list);
	if (!count)
		return true;
	const json_t *first = json_array_get(faults->list, 0);
	char detail[1024];
	snprintf(detail, sizeof(detail), "%s: %s%s", json_string_value(json_object_get(first, "pointer")),
		 json_string_value(json_object_get(first, "detail")),
		 count > 1 ? " (and more, see errors)" : "");
	reply_problem_list(request, code, detail, TAKE(faults->list));
	return false;
}

/* A command line beyond this is no command line, and building it would keep others waiting. */
enum { LIST_LENGTH_MAX = 1000 };

static bool is_string_list(const json_t *value)
{
	if (json_array_size(value) > LIST_LENGTH_MAX)
		return false;
	size_t index;
	json_t *item;
	json_array_foreach ((json_t *) value, index, item)
		if (!json_is_string(item))
			return false;
	return json_is_array(value);
}

static bool is_string_map(const json_t *value)
{
	const char *key;
	json_t *item;
	json_object_foreach ((json_t *) value, key, item)
		if (!json_is_string(item))
			return false;
	return json_is_object(value);
}

static bool is_file(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) > 0;
	const json_t *path = json_object_get(value, "path"), *sha256 = json_object_get(value, "sha256");
	return json_object_size(value) == 1 && (json_is_string(path) || json_is_string(sha256));
}

/* NULL where it fits, else what it must be. */
static const char *mismatch(const json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return json_is_string(value) ? NULL : "must be a string";
	case FIELD_BOOLEAN:
		return json_is_boolean(value) ? NULL : "must be true or false";
	case FIELD_NUMBER:
		return json_is_number(value) ? NULL : "must be a number";
	case FIELD_INTEGER:
		return json_is_integer(value) ? NULL : "must be a whole number";
	case FIELD_LIST:
		return json_is_array(value) ? NULL : "must be a list";
	case FIELD_OBJECT:
		return json_is_object(value) ? NULL : "must be an object";
	case FIELD_STRING_LIST:
		return is_string_list(value) ? NULL : "must be a list of at most 1000 strings";
	case FIELD_STRING_MAP:
		return is_string_map(value) ? NULL : "must be an object of strings";
	case FIELD_FILE:
		return is_file(value) ? NULL : "must be a path, \"sha256:<hex>\", {\"path\"} or {\"sha256\"}";
	case FIELD_ANY:
		break;
	}
	return NULL;
}

/* NULL: none, or as it should be. */
static const char *relative_path(const json_t *file)
{
	const char *path = json_string_value(json_is_string(file) ? file : json_object_get(file, "path"));
	return path && path[0] != '/' && !text_starts_with(path, "sha256:") ? path : NULL;
}

static const struct field *find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (text_equal(fields->name, name))
			return fields;
	return NULL;
}

void fields_check(const json_t *object, const struct field *fields, const char *pointer_prefix,
		  struct field_faults *faults)
{
	char pointer[300];
	if (!json_is_object(object)) {
		field_faults_add(faults, false, pointer_prefix, "must be an object");
		return;
	}
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *) object, name, value) {
		const struct field *field = find(fields, name);
		const char *wrong = field ? mismatch(value, field->type) : "is not a field of this request";
		snprintf(pointer, sizeof(pointer), "%s/%.200s", pointer_prefix, name);
		if (wrong)
			field_faults_add(faults, false, pointer, "%s", wrong);
		else if (field->type == FIELD_FILE && relative_path(value))
			field_faults_add(faults, true, pointer,
					 "a file is named by an absolute path, not \"%.200s\"",
					 relative_path(value));
	}
	for (const struct field *field = fields; field->name; field++) {
		if (!field->required || json_object_get(object, field->name))
			continue;
		snprintf(pointer, sizeof(pointer), "%s/%s", pointer_prefix, field->name);
		field_faults_add(faults, false, pointer, "is required");
	}
}
