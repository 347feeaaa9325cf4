#include "core/emulators/qemu/qemu.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/qemu/settings.h"

#include <string.h>

static const struct config_key emulator_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"args", CONFIG_STRING_LIST, false},
    {"channels", CONFIG_MAP, false},
    {"channels.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.gdb", CONFIG_MAP, false},
    {"channels.gdb.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.qmp", CONFIG_MAP, false},
    {"channels.qmp.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.monitor", CONFIG_MAP, false},
    {"channels.monitor.type", CONFIG_CHANNEL_TYPE, false},
    {NULL, CONFIG_MAP, false},
};

static const struct config_key target_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"machine", CONFIG_STRING, true},
    {"args", CONFIG_STRING_LIST, false},
    {"channels", CONFIG_MAP, false},
    {"channels.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.gdb", CONFIG_MAP, false},
    {"channels.gdb.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.qmp", CONFIG_MAP, false},
    {"channels.qmp.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.monitor", CONFIG_MAP, false},
    {"channels.monitor.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.chardevs", CONFIG_MAP, false},
    {"channels.chardevs.*", CONFIG_MAP, false},
    {"channels.chardevs.*.id", CONFIG_STRING, true},
    {"channels.chardevs.*.type", CONFIG_CHANNEL_TYPE, false},
    {NULL, CONFIG_MAP, false},
};

/* Every instance has these; the names are chardev ids too. */
static const struct {
	const char *name, *kind;
} default_channels[] = {{"gdb", "gdb"}, {"qmp", "control"}, {"monitor", "monitor"}};

enum { DEFAULT_CHANNEL_COUNT = sizeof(default_channels) / sizeof(default_channels[0]) };

int qemu_serial_index(const char *chardev_id)
{
	uint64_t index;
	if (!text_starts_with(chardev_id, "serial"))
		return -1;
	const char *digits = chardev_id + strlen("serial");
	bool canonical = digits[0] != '0' || digits[1] == '\0';
	if (!canonical || digits[strspn(digits, "0123456789")] || text_to_uint64(digits, &index) < 0)
		return -1;
	return index > INT32_MAX ? INT32_MAX : (int) index;
}

static bool is_default_channel(const char *name)
{
	for (size_t i = 0; i < DEFAULT_CHANNEL_COUNT; i++)
		if (strcmp(default_channels[i].name, name) == 0)
			return true;
	return false;
}

/* A channel gives files and a symlink of the state directory their names: none may hide another file. */
static bool is_channel_name(const char *name)
{
	static const char *const taken[] = {".json", ".sock", ".pid", ".log", ".in", ".out"};
	size_t length = strlen(name);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		size_t tail = strlen(taken[i]);
		if (length >= tail && strcmp(name + length - tail, taken[i]) == 0)
			return false;
	}
	return text_is_id(name) && !is_default_channel(name) && strcmp(name, "starts") != 0;
}

static int check_chardev(const char *name, const char *id, json_t *channel_of_id, struct error *error)
{
	if (!is_channel_name(name))
		return error_set(error, -EINVAL, "invalid_configuration",
				 "channels.chardevs.%s: a channel cannot bear this name", name);
	if (!id || !*id)
		return error_set(error, -EINVAL, "invalid_configuration", "channels.chardevs.%s.id: required",
				 name);
	if (is_default_channel(id) || strcmp(id, "emud") == 0)
		return error_set(error, -EINVAL, "invalid_configuration",
				 "channels.chardevs.%s.id: '%s' is a chardev of emud's own", name, id);
	if (qemu_serial_index(id) > QEMU_SERIAL_MAX)
		return error_set(error, -EINVAL, "invalid_configuration",
				 "channels.chardevs.%s.id: serial%d is the highest", name, QEMU_SERIAL_MAX);
	const char *other = json_member_string(channel_of_id, id, NULL);
	if (other)
		return error_set(error, -EINVAL, "invalid_configuration",
				 "channels.chardevs.%s.id: '%s' belongs to channel '%s' already", name, id,
				 other);
	return json_object_set_new(channel_of_id, id, json_string(name)) == 0 ? 0 : -ENOMEM;
}

static json_t *resolve_chardevs(const json_t *chardevs, const char *default_type, struct error *error)
{
	cleanup_json json_t *resolved = json_object();
	cleanup_json json_t *channel_of_id = json_object();
	const char *name;
	json_t *chardev;
	json_object_foreach ((json_t *) chardevs, name, chardev) {
		const char *id = json_member_string(chardev, "id", NULL);
		if (check_chardev(name, id, channel_of_id, error) < 0)
			return NULL;
		json_object_set_new(resolved, name,
				    json_pack("{s:s, s:s}", "id", id, "type",
					      json_member_string(chardev, "type", default_type)));
	}
	return TAKE(resolved);
}

/* The channel's own type beats the level's, the target's level the emulator's. */
static json_t *resolve_default_channels(const json_t *emulator, const json_t *target)
{
	json_t *resolved = json_object();
	for (size_t i = 0; i < DEFAULT_CHANNEL_COUNT; i++) {
		const char *name = default_channels[i].name;
		const char *type = json_member_string(emulator, "type", "tcp");
		type = json_member_string(json_object_get(emulator, name), "type", type);
		type = json_member_string(target, "type", type);
		type = json_member_string(json_object_get(target, name), "type", type);
		json_object_set_new(resolved, name, json_pack("{s:s}", "type", type));
	}
	return resolved;
}

static json_t *resolve_args(const json_t *emulator_section, const json_t *target_section)
{
	json_t *args = json_array();
	const json_t *sections[] = {emulator_section, target_section};
	for (size_t i = 0; i < 2; i++) {
		json_t *more = json_object_get(sections[i], "args");
		if (more)
			json_array_extend(args, more);
	}
	return args;
}

static json_t *resolve(const json_t *emulator_section, const json_t *target_section, struct error *error)
{
	const char *executable = json_member_string(emulator_section, "executable", NULL);
	executable = json_member_string(target_section, "executable", executable);
	const char *machine = json_member_string(target_section, "machine", NULL);
	if (!executable || !*executable || !machine || !*machine) {
		error_set(error, -EINVAL, "invalid_configuration", "%s: required%s",
			  !machine || !*machine ? "machine" : "executable",
			  !machine || !*machine ? "" : " here or for the emulator");
		return NULL;
	}
	const json_t *emulator_channels = json_object_get(emulator_section, "channels");
	const json_t *target_channels = json_object_get(target_section, "channels");
	const char *type = json_member_string(emulator_channels, "type", "tcp");
	type = json_member_string(target_channels, "type", type);
	json_t *chardevs = resolve_chardevs(json_object_get(target_channels, "chardevs"), type, error);
	if (!chardevs)
		return NULL;
	json_t *settings =
	    json_pack("{s:s, s:s, s:o, s:o, s:o}", "executable", executable, "machine", machine, "args",
		      resolve_args(emulator_section, target_section), "channels",
		      resolve_default_channels(emulator_channels, target_channels), "chardevs", chardevs);
	if (!settings)
		error_set(error, -ENOMEM, NULL, "no memory");
	return settings;
}

static json_t *describe_channels(const json_t *settings)
{
	json_t *described = json_object();
	const char *name;
	json_t *chardev;
	json_object_foreach (json_object_get(settings, "chardevs"), name, chardev)
		json_object_set_new(described, name,
				    json_pack("{s:s, s:s, s:s}", "kind", "console", "type",
					      json_member_string(chardev, "type", "tcp"), "tied_to",
					      json_member_string(chardev, "id", "")));
	const json_t *channels = json_object_get(settings, "channels");
	for (size_t i = 0; i < DEFAULT_CHANNEL_COUNT; i++) {
		name = default_channels[i].name;
		json_object_set_new(
		    described, name,
		    json_pack("{s:s, s:s, s:s}", "kind", default_channels[i].kind, "type",
			      json_member_string(json_object_get(channels, name), "type", "tcp"), "tied_to",
			      name));
	}
	return described;
}

const struct config_emulator qemu_config = {
    .name = "qemu",
    .emulator_keys = emulator_keys,
    .target_keys = target_keys,
    .resolve = resolve,
    .describe_channels = describe_channels,
};
