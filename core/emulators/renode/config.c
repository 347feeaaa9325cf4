#include "core/emulators/renode/renode.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/config/file_names.h"
#include "core/emulators/renode/names.h"
#include "core/emulators/renode/settings.h"
#include "core/process/program.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>

/* Each holds some 370 MB. */
enum { PRESTART_MOST = 64 };

static const struct config_key emulator_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"prestart", CONFIG_INTEGER, false},
    {"channels", CONFIG_MAP, false},
    {"channels.terminals", CONFIG_MAP, false},
    {"channels.terminals.type", CONFIG_CHANNEL_TYPE, false},
    {NULL, CONFIG_MAP, false},
};

static const struct config_key target_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"machine", CONFIG_STRING, true},
    {"channels", CONFIG_MAP, false},
    {"channels.terminals", CONFIG_MAP, false},
    {"channels.terminals.*", CONFIG_MAP, false},
    {"channels.terminals.*.device-path", CONFIG_STRING, true},
    {"channels.terminals.*.type", CONFIG_CHANNEL_TYPE, false},
    {NULL, CONFIG_MAP, false},
};

static int check_terminal(const char *name, const char *device_path, struct error *error)
{
	const char *complaint = file_names_complain_of_channel(name);
	if (!complaint && !text_is_id(name))
		complaint = "is no name for a channel: letters, digits, dots, dashes and underscores are";
	if (!complaint && (text_equal(name, "robot") || text_equal(name, "gdb")))
		complaint = "is a channel that every instance has";
	if (complaint)
		return error_set(error, -EINVAL, "invalid_configuration", "channels.terminals.%s: %s %s",
				 name, name, complaint);
	if (!device_path || !renode_is_object_path(device_path))
		return error_set(error, -EINVAL, "invalid_configuration",
				 "channels.terminals.%s.device-path: %s", name,
				 device_path ? "must be the path of a device, as sysbus.usart1" : "required");
	return 0;
}

static json_t *resolve_terminals(const json_t *terminals, const char *default_type, struct error *error)
{
	cleanup_json json_t *resolved = json_object();
	const char *name;
	json_t *terminal;
	json_object_foreach ((json_t *) terminals, name, terminal) {
		const char *device_path = json_member_string(terminal, "device-path", NULL);
		if (check_terminal(name, device_path, error) < 0)
			return NULL;
		json_object_set_new(resolved, name,
				    json_pack("{s:s, s:s}", "device-path", device_path, "type",
					      json_member_string(terminal, "type", default_type)));
	}
	return TAKE(resolved);
}

static bool has_control_characters(const char *text)
{
	for (; *text; text++)
		if ((unsigned char) *text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* Where Renode lies, which it reads: found on the PATH, perhaps through a link. New reference. */
static json_t *installation_paths(const char *executable)
{
	char resolved[PATH_MAX];
	cleanup_free char *path = program_find(executable);
	json_t *paths = json_array();
	if (path && realpath(path, resolved))
		json_array_append_new(paths, json_string(dirname(resolved)));
	return paths;
}

static json_t *terminals_of(const json_t *section)
{
	return json_object_get(json_object_get(section, "channels"), "terminals");
}

static json_t *resolve(const json_t *emulator_section, const json_t *target_section, struct error *error)
{
	const char *executable = json_member_string(emulator_section, "executable", RENODE_EXECUTABLE);
	executable = json_member_string(target_section, "executable", executable);
	const char *machine = json_member_string(target_section, "machine", "");
	if (!*machine || !*executable) {
		error_set(error, -EINVAL, "invalid_configuration", "%s: required",
			  *machine ? "executable" : "machine");
		return NULL;
	}
	if (has_control_characters(machine)) {
		error_set(error, -EINVAL, "invalid_configuration",
			  "machine: must be a platform description's path without control characters");
		return NULL;
	}
	json_int_t prestart = json_member_integer(emulator_section, "prestart", 0);
	if (prestart > PRESTART_MOST) {
		error_set(error, -EINVAL, "invalid_configuration", "prestart: at most %d", PRESTART_MOST);
		return NULL;
	}
	const char *type = json_member_string(terminals_of(emulator_section), "type", "tcp");
	json_t *terminals = resolve_terminals(terminals_of(target_section), type, error);
	if (!terminals)
		return NULL;
	json_t *settings = json_pack("{s:s, s:s, s:o, s:o}", "executable", executable, "machine", machine,
				     "terminals", terminals, "read_paths", installation_paths(executable));
	if (settings && prestart > 0)
		json_object_set_new(settings, "prestart", json_integer(prestart));
	if (!settings)
		error_set(error, -ENOMEM, NULL, "no memory");
	return settings;
}

static json_t *describe_channels(const json_t *settings)
{
	json_t *described = json_object();
	const char *name;
	json_t *terminal;
	json_object_foreach (json_object_get(settings, "terminals"), name, terminal)
		json_object_set_new(described, name,
				    json_pack("{s:s, s:s, s:s}", "kind", "console", "type",
					      json_member_string(terminal, "type", "tcp"), "tied_to",
					      json_member_string(terminal, "device-path", "")));
	json_object_set_new(
	    described, "robot",
	    json_pack("{s:s, s:s, s:s}", "kind", "control", "type", "tcp", "tied_to", "robot"));
	json_object_set_new(described, "gdb",
			    json_pack("{s:s, s:s, s:s}", "kind", "gdb", "type", "tcp", "tied_to", "gdb"));
	return described;
}

static const char *const prestart_keys[] = {"executable", NULL};

const struct config_emulator renode_config = {
    .name = "renode",
    .emulator_keys = emulator_keys,
    .target_keys = target_keys,
    .prestart_keys = prestart_keys,
    .resolve = resolve,
    .describe_channels = describe_channels,
};
