#include "support.h"

static const struct config_key toy_emulator_keys[] = {
    {"executable", CONFIG_STRING, false}, {"prestart", CONFIG_INTEGER, false},
    {"args", CONFIG_STRING_LIST, false},  {"channels.type", CONFIG_CHANNEL_TYPE, false},
    {"fast", CONFIG_BOOLEAN, false},      {"cores", CONFIG_INTEGER, false},
    {"delay", CONFIG_REAL, false},        {NULL, CONFIG_MAP, false},
};

static const struct config_key toy_target_keys[] = {
    {"executable", CONFIG_STRING, false},
    {"machine", CONFIG_STRING, true},
    {"args", CONFIG_STRING_LIST, false},
    {"channels.type", CONFIG_CHANNEL_TYPE, false},
    {"channels.lines.*.id", CONFIG_STRING, true},
    {"channels.lines.*.type", CONFIG_CHANNEL_TYPE, false},
    {"free", CONFIG_MAP, false},
    {NULL, CONFIG_MAP, false},
};

static json_t *toy_resolve(const json_t *emulator_section, const json_t *target_section, struct error *error)
{
	json_t *executable = json_object_get(target_section, "executable");
	if (!executable)
		executable = json_object_get(emulator_section, "executable");
	if (!executable) {
		error_set(error, -EINVAL, "invalid_configuration",
			  "executable: is required here or at pw.pw_emu.toy");
		return NULL;
	}
	json_t *lines = json_object_get(json_object_get(target_section, "channels"), "lines");
	const char *name;
	json_t *line;
	json_object_foreach (lines, name, line) {
		if (!text_equal(json_string_value(json_object_get(line, "id")), "taken"))
			continue;
		error_set(error, -EINVAL, "invalid_configuration", "channels.lines.%s.id: is taken", name);
		return NULL;
	}
	return json_pack("{s:O, s:O, s:O*, s:O*}", "executable", executable, "machine",
			 json_object_get(target_section, "machine"), "lines", lines, "prestart",
			 json_object_get(emulator_section, "prestart"));
}

static json_t *toy_describe_channels(const json_t *settings)
{
	json_t *channels = json_pack("{s:{s:s,s:s}}", "gdb", "kind", "gdb", "type", "tcp"), *line;
	const char *name;
	json_object_foreach (json_object_get(settings, "lines"), name, line) {
		const char *type = json_string_value(json_object_get(line, "type"));
		json_object_set_new(channels, name,
				    json_pack("{s:s,s:s,s:O}", "kind", "console", "type", type ? type : "tcp",
					      "tied_to", json_object_get(line, "id")));
	}
	return channels;
}

static const char *const toy_prestart_keys[] = {"executable", NULL};

static const struct config_emulator toy = {.name = "toy",
					   .prestart_keys = toy_prestart_keys,
					   .emulator_keys = toy_emulator_keys,
					   .target_keys = toy_target_keys,
					   .resolve = toy_resolve,
					   .describe_channels = toy_describe_channels};

static const struct config_key declaration_keys[] = {
    {"driver", CONFIG_STRING_LIST, false},
    {"launcher", CONFIG_STRING, false},
    {"connector", CONFIG_STRING, false},
    {NULL, CONFIG_MAP, false},
};

static json_t *declared_resolve(const json_t *declaration, const json_t *emulator_section,
				const json_t *target_section, struct error *error)
{
	if (json_object_get(target_section, "bad")) {
		error_set(error, -EINVAL, "invalid_configuration", "bad: is refused");
		return NULL;
	}
	return json_pack("{s:O, s:O*, s:O*}", "declaration", declaration, "common", emulator_section, "own",
			 target_section);
}

static json_t *declared_describe_channels(const json_t *settings)
{
	return json_incref(json_object_get(json_object_get(settings, "own"), "channels"));
}

static const struct config_emulator declared = {.name = "declared",
						.declaration_keys = declaration_keys,
						.resolve_declared = declared_resolve,
						.describe_channels = declared_describe_channels};
const struct config_emulator *const toy_emulators[] = {&toy, &declared, NULL};

static int read_memory(const char *path, char **ret_text, size_t *ret_length, void *data, struct error *error)
{
	for (const struct memory_file *file = data; file->path; file++) {
		if (!text_equal(path, file->path))
			continue;
		*ret_text = strdup(file->text);
		*ret_length = strlen(file->text);
		return 0;
	}
	return error_set(error, -ENOENT, NULL, "cannot open %s: no such file", path);
}

struct loaded load_files(const char *text, const struct memory_file *others)
{
	struct memory_file files[8] = {{MAIN_FILE, text}};
	for (size_t i = 0; others && others[i].path && i < 6; i++)
		files[i + 1] = others[i];
	struct config_source source = {.read = read_memory, .data = files};
	struct loaded loaded = {0};
	loaded.config = config_load_from(&source, MAIN_FILE, toy_emulators, &loaded.report);
	assert_true(!loaded.config == (config_report_error_count(&loaded.report) > 0));
	return loaded;
}

struct loaded load_text(const char *text)
{
	return load_files(text, NULL);
}

void loaded_finish(struct loaded *loaded)
{
	config_unref(loaded->config);
	config_report_finish(&loaded->report);
}

static bool remove_line(char **lines, size_t count, const char *line)
{
	for (size_t i = 0; i < count; i++) {
		if (!text_equal(lines[i], line))
			continue;
		free(lines[i]);
		lines[i] = NULL;
		return true;
	}
	return false;
}

void assert_findings(struct loaded loaded, ...)
{
	char *lines[64] = {0};
	size_t count = loaded.report.count, missing = 0, left = 0;
	assert_in_range(count, 0, 64);
	for (size_t i = 0; i < count; i++)
		lines[i] = config_problem_format(&loaded.report.problems[i]);
	va_list expected;
	va_start(expected, loaded);
	for (const char *line; (line = va_arg(expected, const char *));) {
		if (remove_line(lines, count, line))
			continue;
		print_error("missing:    %s\n", line);
		missing++;
	}
	va_end(expected);
	for (size_t i = 0; i < count; i++) {
		if (lines[i])
			print_error("unexpected: %s\n", lines[i]);
		left += lines[i] != NULL;
		free(lines[i]);
	}
	loaded_finish(&loaded);
	assert_int_equal(missing + left, 0);
}

void assert_json(json_t *found, const char *expected_text)
{
	assert_non_null(found);
	json_error_t json_error;
	json_t *expected = json_loads(expected_text, JSON_DECODE_ANY, &json_error);
	assert_non_null(expected);
	char *text = json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY);
	bool is_equal = json_equal(found, expected);
	if (!is_equal)
		print_error("found %s\n", text);
	free(text);
	json_decref(found);
	json_decref(expected);
	assert_true(is_equal);
}
