/*
 * The configuration's readers, checks and substitutions, without touching a file: the input up to the first
 * form feed is the main file, what follows is the answer for every target file that it names. (Neither YAML
 * nor JSON has form feeds.)
 */

#include "core/base/text.h"
#include "core/config/load.h"
#include "core/emulators/external/external.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAIN_FILE "/fuzz/pigweed.json"

struct input {
	const char *main;
	size_t main_length;
	const char *other;
	size_t other_length;
};

static int read_input(const char *path, char **ret_text, size_t *ret_length, void *data, struct error *error)
{
	const struct input *input = data;
	bool is_main = text_equal(path, MAIN_FILE);
	const char *text = is_main ? input->main : input->other;
	size_t length = is_main ? input->main_length : input->other_length;
	char *copy = text ? malloc(length + 1) : NULL;
	if (!copy)
		return error_set(error, -ENOENT, NULL, "no such file");
	memcpy(copy, text, length);
	copy[length] = '\0';
	*ret_text = copy;
	*ret_length = length;
	return 0;
}

static const struct config_key emulator_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"args", CONFIG_STRING_LIST, false},
    {"channels.type", CONFIG_CHANNEL_TYPE, false},
    {NULL, CONFIG_MAP, false},
};

static const struct config_key target_keys[] = {
    {"machine", CONFIG_STRING, true},
    {"channels.lines.*.id", CONFIG_STRING, true},
    {"channels.lines.*.type", CONFIG_CHANNEL_TYPE, false},
    {"count", CONFIG_INTEGER, false},
    {"ratio", CONFIG_REAL, false},
    {"flag", CONFIG_BOOLEAN, false},
    {NULL, CONFIG_MAP, false},
};

/* What the schema has let through must be of the schema's types. */
static json_t *resolve(const json_t *emulator_section, const json_t *target_section, struct error *error)
{
	const json_t *executable = json_object_get(emulator_section, "executable");
	json_t *machine = json_object_get(target_section, "machine");
	if (!json_is_string(machine) || (executable && !json_is_string(executable)))
		abort();
	if (!executable) {
		error_set(error, -EINVAL, NULL, "executable is required");
		return NULL;
	}
	json_t *lines = json_object_get(json_object_get(target_section, "channels"), "lines");
	return json_pack("{s:O, s:O*}", "machine", machine, "lines", lines);
}

static json_t *describe_channels(const json_t *settings)
{
	json_t *channels = json_object(), *line;
	const char *name;
	json_object_foreach (json_object_get(settings, "lines"), name, line) {
		if (!json_is_string(json_object_get(line, "id")))
			abort();
		const char *type = json_string_value(json_object_get(line, "type"));
		json_object_set_new(channels, name, json_pack("{s:s}", "type", type ? type : "tcp"));
	}
	return channels;
}

static const struct config_emulator toy = {.name = "toy",
					   .emulator_keys = emulator_keys,
					   .target_keys = target_keys,
					   .resolve = resolve,
					   .describe_channels = describe_channels};
static const struct config_emulator *const emulators[] = {&toy, &external_config, NULL};

static void use(const struct config *config)
{
	for (const char *const *name = config_target_names(config); *name; name++) {
		if (!config_target_emulators(config, *name)[0] || !config_target_source(config, *name))
			abort();
		json_decref(config_resolve(config, *name, NULL, NULL));
		json_decref(config_resolve(config, *name, "toy", NULL));
		json_decref(config_describe_channels(config, *name, NULL));
	}
	json_t *tree = config_as_pw(config);
	char *text = json_dumps(tree, JSON_COMPACT);
	if (!text)
		abort();
	free(text);
	json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	const char *split = size ? memchr(text, '\f', size) : NULL;
	struct input input = {
	    .main = size ? text : "",
	    .main_length = split ? (size_t) (split - text) : size,
	    .other = split ? split + 1 : NULL,
	    .other_length = split ? size - (size_t) (split - text) - 1 : 0,
	};
	struct config_source source = {.read = read_input, .data = &input};
	struct config_report report = {0};
	struct config *config = config_load_from(&source, MAIN_FILE, emulators, &report);
	if (!config != (config_report_error_count(&report) > 0))
		abort();
	for (size_t i = 0; i < report.count; i++) {
		char *line = config_problem_format(&report.problems[i]);
		if (!line || strchr(line, '\n') || !text_is_utf8(line, strlen(line)))
			abort();
		free(line);
	}
	if (config)
		use(config);
	config_unref(config);
	config_report_finish(&report);
	return 0;
}
