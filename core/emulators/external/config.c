#include "core/emulators/external/external.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/external/plan.h"

#include <string.h>

/* launcher and connector are what `pw emu` reads there; a file may serve both. */
static const struct config_key declaration_keys[] = {
    {"driver", CONFIG_STRING_LIST, false},
    {"read_paths", CONFIG_STRING_LIST, false},
    {"launcher", CONFIG_STRING, false},
    {"connector", CONFIG_STRING, false},
    {NULL, CONFIG_MAP, false},
};

static int refuse(struct error *error, const char *key, const char *message)
{
	return error_set(error, -EINVAL, "invalid_configuration", "%s: %s", key, message);
}

static int check_channel(const char *name, const json_t *channel, struct error *error)
{
	cleanup_free char *key = text_format("channels.%s", name);
	enum channel_kind kind;
	if (!key)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (!json_is_object(channel))
		return refuse(error, key, "must be a map");
	const json_t *type = json_object_get(channel, "type");
	const json_t *kind_name = json_object_get(channel, "kind");
	cleanup_free char *type_key = text_format("%s.type", key);
	cleanup_free char *kind_key = text_format("%s.kind", key);
	if (!type_key || !kind_key)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (type && !text_equal(json_string_value(type), "tcp") &&
	    !text_equal(json_string_value(type), "pty"))
		return refuse(error, type_key, "must be \"tcp\" or \"pty\"");
	if (kind_name && external_kind_find(json_string_value(kind_name), &kind) < 0)
		return refuse(error, kind_key, "must be \"console\", \"gdb\", \"monitor\" or \"control\"");
	return 0;
}

static int check_section(const json_t *section, struct error *error)
{
	json_t *channels = json_object_get(section, "channels"), *channel;
	const json_t *executable = json_object_get(section, "executable");
	const char *name;
	if (executable && !json_string_length(executable))
		return refuse(error, "executable", "must be the name of a program");
	if (channels && !json_is_object(channels))
		return refuse(error, "channels", "must be a map");
	json_object_foreach (channels, name, channel) {
		int result = check_channel(name, channel, error);
		if (result < 0)
			return result;
	}
	return 0;
}

/* What was listed, and the folder of every absolute path among the driver's words. */
static json_t *list_read_paths(const json_t *declaration, struct error *error)
{
	json_t *listed = json_object_get(declaration, "read_paths");
	cleanup_json json_t *paths = listed ? json_copy(listed) : json_array();
	size_t index;
	json_t *item;
	json_array_foreach (listed, index, item) {
		if (json_string_value(item)[0] == '/')
			continue;
		error_set(error, -EINVAL, "invalid_configuration",
			  "the read_paths of its emulator must be absolute paths, not \"%.200s\"",
			  json_string_value(item));
		return NULL;
	}
	json_array_foreach (json_object_get(declaration, "driver"), index, item) {
		const char *word = json_string_value(item), *slash = strrchr(word, '/');
		if (word[0] == '/' && slash > word)
			json_array_append_new(paths, json_stringn(word, (size_t) (slash - word)));
	}
	return TAKE(paths);
}

static json_t *resolve_declared(const json_t *declaration, const json_t *emulator_section,
				const json_t *target_section, struct error *error)
{
	json_t *driver = json_object_get(declaration, "driver");
	const char *program = json_string_value(json_array_get(driver, 0));
	if (!program || !*program) {
		error_set(error, -EINVAL, "invalid_configuration",
			  "the driver of its emulator names no program");
		return NULL;
	}
	cleanup_json json_t *section = emulator_section ? json_deep_copy(emulator_section) : json_object();
	if (!section ||
	    (target_section && json_object_update_recursive(section, (json_t *) target_section) < 0)) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	if (check_section(section, error) < 0)
		return NULL;
	json_t *read_paths = list_read_paths(declaration, error);
	if (!read_paths)
		return NULL;
	json_t *settings = json_pack("{s:O, s:s, s:s*, s:o, s:O}", "driver", driver, "executable",
				     json_member_string(section, "executable", program), "machine",
				     json_member_string(section, "machine", NULL), "read_paths", read_paths,
				     "section", section);
	if (!settings)
		error_set(error, -ENOMEM, NULL, "no memory");
	return settings;
}

static json_t *describe_channels(const json_t *settings)
{
	json_t *channels = json_object_get(json_object_get(settings, "section"), "channels"), *channel;
	json_t *described = channels ? json_object() : NULL;
	const char *name;
	json_object_foreach (channels, name, channel)
		json_object_set_new(described, name,
				    json_pack("{s:s, s:s}", "kind",
					      json_member_string(channel, "kind", "console"), "type",
					      json_member_string(channel, "type", "tcp")));
	return described;
}

const struct config_emulator external_config = {
    .name = "external",
    .declaration_keys = declaration_keys,
    .resolve_declared = resolve_declared,
    .describe_channels = describe_channels,
};
