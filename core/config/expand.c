#include "core/config/expand.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/substitute.h"

#include <stdlib.h>
#include <string.h>

struct expansion {
	const struct place *place;
	enum expand_mode mode;
	struct findings *findings;
};

static void complain(const struct expansion *expansion, const char *message)
{
	if (expansion->mode == EXPAND_FOREIGN)
		findings_warn(expansion->findings, expansion->place, "%s", message);
	else
		findings_error(expansion->findings, expansion->place, "%s", message);
}

/* NULL: it has none, and that has been told. */
static const char *look_up_environment(const struct expansion *expansion, const char *name)
{
	const char *value = strchr(name, '=') ? NULL : getenv(name);
	if (value && text_is_utf8(value, strlen(value)))
		return value;
	cleanup_free char *message =
	    text_format("the environment variable %s is %s", name, value ? "not UTF-8 text" : "not set");
	complain(expansion, message ? message : "out of memory");
	return NULL;
}

/* Complains itself and hands the expression back, so that the other ones in a string are looked at too. */
static char *look_up(const char *kind, const char *name, void *data, struct error *error)
{
	const struct expansion *expansion = data;
	cleanup_free char *expression = text_format("$%s{%s}", kind, name);
	const char *value = NULL;
	struct error kind_error = {0};
	if (!expression || substitute_check_kinds(expression, &kind_error) < 0)
		complain(expansion, expression ? kind_error.message : "out of memory");
	else if (text_equal(kind, "pw_env"))
		value = look_up_environment(expansion, name);
	else if (expansion->mode == EXPAND_SETTING)
		findings_error(expansion->findings, expansion->place,
			       "$%s{...} has a meaning in helper commands only", kind);
	char *found = value ? strdup(value) : TAKE(expression);
	if (!found)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return found;
}

static json_t *expand_string(json_t *value, struct expansion *expansion)
{
	const char *text = json_string_value(value);
	if (!strstr(text, "$pw_"))
		return json_incref(value);
	struct error error = {0};
	cleanup_free char *expanded = substitute_text(text, "pw_", look_up, expansion, &error);
	if (expanded)
		return json_string(expanded);
	complain(expansion, error.message);
	return error.number == -ENOMEM ? NULL : json_incref(value);
}

json_t *expand_value(json_t *value, const struct place *place, enum expand_mode mode,
		     struct findings *findings)
{
	if (json_is_string(value)) {
		struct expansion expansion = {.place = place, .mode = mode, .findings = findings};
		return expand_string(value, &expansion);
	}
	if (!json_is_object(value) && !json_is_array(value))
		return json_incref(value);
	cleanup_json json_t *copy = json_is_object(value) ? json_object() : json_array();
	const char *key;
	size_t index;
	json_t *child;
	json_object_foreach (value, key, child) {
		struct place child_place = place_member(place, key);
		if (json_object_set_new(copy, key, expand_value(child, &child_place, mode, findings)) < 0)
			return NULL;
	}
	json_array_foreach (value, index, child) {
		struct place child_place = place_item(place, index);
		if (json_array_append_new(copy, expand_value(child, &child_place, mode, findings)) < 0)
			return NULL;
	}
	return TAKE(copy);
}
