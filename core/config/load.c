#include "core/config/load.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/config/expand.h"
#include "core/config/file_names.h"
#include "core/config/helpers.h"
#include "core/config/schema.h"
#include "core/config/server_settings.h"
#include "core/config/targets.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static const struct config_key pw_emu_rows[] = {
    {"gdb", CONFIG_STRING_LIST, false}, {"target_files", CONFIG_STRING_LIST, false},
    {"emulators.*", CONFIG_MAP, false}, {"targets", CONFIG_MAP, false},
    {NULL, CONFIG_MAP, false},
};

bool load_is_listed(char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (text_equal(*names, name))
			return true;
	return false;
}

int load_document(struct loader *loader, const char *path, const struct place *place,
		  struct document *ret_document)
{
	struct error error = {0};
	cleanup_free char *text = NULL;
	size_t length = 0;
	int result = loader->source->read(path, &text, &length, loader->source->data, &error);
	if (result == -EFBIG)
		findings_error(&loader->findings, place, "%s is larger than %d MiB", path,
			       DOCUMENT_MAX_BYTES >> 20);
	else if (result < 0)
		findings_error(&loader->findings, place, "%s", error.message);
	if (result < 0)
		return result;
	return document_parse(ret_document, path, text, length, &loader->findings);
}

static int add_name(struct loader *loader, const char *name)
{
	return load_is_listed(loader->emulator_names, name)
		   ? 0
		   : text_vector_append(&loader->emulator_names, name);
}

/* What a declaration may not be called: its name is that of sections and of files. */
static void check_declared_name(struct loader *loader, const char *name, const struct place *place)
{
	static const char *const taken[] = {"gdb",     "target_files",    "emulators",
					    "targets", HELPERS_PRE_START, HELPERS_POST_START};
	const char *complaint = file_names_complain_of_process(name);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (text_equal(name, taken[i]))
			complaint = "is a key of another meaning";
	if (complaint)
		findings_error(&loader->findings, place, "the emulator's name \"%.60s\" %s", name, complaint);
}

static int name_emulators(struct loader *loader, json_t *pw_emu, const struct place *place)
{
	int result = 0;
	for (const struct config_emulator *const *row = loader->config->emulators; *row; row++)
		if (!(*row)->resolve_declared)
			result = add_name(loader, (*row)->name) < 0 ? -ENOMEM : result;
	struct place map_place = place_member(place, "emulators");
	const char *name;
	json_t *emulator;
	json_object_foreach (json_object_get(pw_emu, "emulators"), name, emulator) {
		struct place emulator_place = place_member(&map_place, name);
		if (config_is_built_in(loader->config, name))
			findings_warn(&loader->findings, &emulator_place,
				      "the emulator is built in, this is not used");
		else
			check_declared_name(loader, name, &emulator_place);
		result = add_name(loader, name) < 0 ? -ENOMEM : result;
	}
	return result;
}

static int check_pw_emu(struct loader *loader, json_t *pw_emu, const struct place *place)
{
	if (!pw_emu)
		return 0;
	cleanup_free struct config_key *rows =
	    schema_rows_with_sections(pw_emu_rows, (const char *const *) loader->emulator_names);
	if (!rows)
		return -ENOMEM;
	schema_check(rows, pw_emu, place, &loader->findings);
	return 0;
}

/* First of all: what else is read of an emulator rests on whether it has a driver. */
static int expand_declarations(struct loader *loader, json_t *declarations, const struct place *place)
{
	json_t *all = json_object();
	if (!all || json_object_set_new(loader->config->pw_emu, "emulators", all) < 0)
		return -ENOMEM;
	const char *name;
	json_t *declaration;
	json_object_foreach (declarations, name, declaration) {
		struct place declaration_place = place_member(place, name);
		bool is_ours =
		    json_object_get(declaration, "driver") && !config_is_built_in(loader->config, name);
		json_t *expanded = expand_value(declaration, &declaration_place,
						is_ours ? EXPAND_SETTING : EXPAND_FOREIGN, &loader->findings);
		if (json_object_set_new(all, name, expanded) < 0)
			return -ENOMEM;
		if (is_ours && json_object_set(loader->config->declared, name, expanded) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Everything but the targets goes into the tree. */
static int expand_pw_emu(struct loader *loader, json_t *pw_emu, const struct place *place)
{
	const char *key;
	json_t *member, *declarations = json_object_get(pw_emu, "emulators");
	struct place declarations_place = place_member(place, "emulators");
	if (declarations && expand_declarations(loader, declarations, &declarations_place) < 0)
		return -ENOMEM;
	json_object_foreach (pw_emu, key, member) {
		if (text_equal(key, "targets") || text_equal(key, "target_files") ||
		    text_equal(key, "emulators"))
			continue;
		struct place member_place = place_member(place, key);
		bool is_foreign =
		    load_is_listed(loader->emulator_names, key) && !config_find_emulator(loader->config, key);
		json_t *expanded = expand_value(
		    member, &member_place, is_foreign ? EXPAND_FOREIGN : EXPAND_SETTING, &loader->findings);
		if (json_object_set_new(loader->config->pw_emu, key, expanded) < 0)
			return -ENOMEM;
	}
	return json_object_set_new(loader->config->pw_emu, "targets", json_object());
}

/* A section that is no map has been told of with the other types. */
static int check_section(struct loader *loader, const char *emulator, const struct config_key *keys,
			 const json_t *section, const struct place *place)
{
	bool is_map = json_is_object(section);
	bool is_broken = section && !is_map;
	if (is_map && keys)
		is_broken = schema_check(keys, section, place, &loader->findings) < 0;
	return is_broken ? text_vector_append(&loader->broken_emulators, emulator) : 0;
}

static int check_declarations(struct loader *loader, const struct place *place)
{
	const struct config_emulator *const *row = loader->config->emulators;
	while (*row && !(*row)->resolve_declared)
		row++;
	struct place map_place = place_member(place, "emulators");
	const char *name;
	json_t *declaration;
	int result = 0;
	json_object_foreach (json_object_get(loader->config->pw_emu, "emulators"), name, declaration) {
		struct place declaration_place = place_member(&map_place, name);
		if (*row && !config_is_built_in(loader->config, name) &&
		    check_section(loader, name, (*row)->declaration_keys, declaration, &declaration_place) <
			0)
			result = -ENOMEM;
	}
	return result;
}

static int check_emulator_sections(struct loader *loader, const struct place *place)
{
	int result = check_declarations(loader, place);
	for (char *const *name = loader->emulator_names; name && *name; name++) {
		const struct config_emulator *emulator = config_find_emulator(loader->config, *name);
		struct place section_place = place_member(place, *name);
		if (emulator &&
		    check_section(loader, *name, emulator->emulator_keys,
				  json_object_get(loader->config->pw_emu, *name), &section_place) < 0)
			result = -ENOMEM;
	}
	return result;
}

/* pw_emu may be NULL: there are no targets then. */
static void load_pw_emu(struct loader *loader, json_t *pw_emu, const struct place *place)
{
	if (name_emulators(loader, pw_emu, place) < 0 || check_pw_emu(loader, pw_emu, place) < 0 ||
	    expand_pw_emu(loader, pw_emu, place) < 0 || check_emulator_sections(loader, place) < 0) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	targets_load(loader, pw_emu, place);
}

/* A map that may be missing; NULL where it is or where it is none, which is an error. */
static json_t *optional_map(struct loader *loader, json_t *parent, const struct place *place)
{
	json_t *map = json_object_get(parent, place->key);
	if (!map || json_is_object(map))
		return map;
	findings_error(&loader->findings, place, "must be a map, not %s", document_type_name(map));
	return NULL;
}

static void load_server(struct loader *loader, json_t *root, const struct place *root_place)
{
	struct place place = place_member(root_place, "server");
	json_t *map = optional_map(loader, root, &place);
	cleanup_json json_t *expanded =
	    map ? expand_value(map, &place, EXPAND_SETTING, &loader->findings) : NULL;
	if (map && !expanded)
		findings_out_of_memory(&loader->findings, &place);
	server_settings_read(&loader->config->server, expanded, loader->config->directory, &place,
			     &loader->findings);
}

static void load_main(struct loader *loader)
{
	struct place file_place = place_root(loader->config->path, NULL);
	struct document document = {0};
	if (load_document(loader, loader->config->path, &file_place, &document) == 0) {
		struct place root = document_place(&document);
		load_server(loader, document.root, &root);
		struct place pw_place = place_member(&root, "pw");
		json_t *pw = optional_map(loader, document.root, &pw_place);
		struct place pw_emu_place = place_member(&pw_place, "pw_emu");
		json_t *pw_emu = optional_map(loader, pw, &pw_emu_place);
		load_pw_emu(loader, pw_emu, &pw_emu_place);
	}
	document_finish(&document);
}

static struct config *create_config(const char *path, const struct config_emulator *const *emulators)
{
	struct config *config = calloc(1, sizeof(*config));
	if (!config)
		return NULL;
	config->reference_count = 1;
	config->emulators = emulators;
	config->path = strdup(path);
	const char *slash = strrchr(path, '/');
	config->directory = strndup(path, slash > path ? (size_t) (slash - path) : 1);
	config->pw_emu = json_object();
	config->declared = json_object();
	if (config->path && config->directory && config->pw_emu && config->declared)
		return config;
	config_unref(config);
	return NULL;
}

struct config *config_load_from(const struct config_source *source, const char *path,
				const struct config_emulator *const *emulators, struct config_report *report)
{
	struct place place = place_root(path, NULL);
	struct loader loader = {
	    .source = source,
	    .config = create_config(path, emulators),
	    .findings = {.report = report},
	};
	if (loader.config)
		load_main(&loader);
	else
		findings_out_of_memory(&loader.findings, &place);
	text_vector_free(loader.emulator_names);
	text_vector_free(loader.broken_emulators);
	if (loader.findings.error_count == 0)
		return loader.config;
	config_unref(loader.config);
	return NULL;
}

static int read_disk(const char *path, char **ret_text, size_t *ret_length, void *data, struct error *error)
{
	(void) data;
	return file_read(AT_FDCWD, path, DOCUMENT_MAX_BYTES, ret_text, ret_length, error);
}

/* The absolute path of a file, with the directory's symlinks resolved but not the file's own: what it names
 * is relative to where it stands. NULL with errno set. */
static char *absolute_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup(".");
	cleanup_free char *directory = parent ? realpath(parent, NULL) : NULL;
	if (!directory)
		return NULL;
	const char *separator = text_equal(directory, "/") ? "" : "/";
	return text_format("%s%s%s", directory, separator, slash ? slash + 1 : path);
}

struct config *config_load(const char *path, const struct config_emulator *const *emulators,
			   struct config_report *report)
{
	static const struct config_source disk = {.read = read_disk};
	cleanup_free char *absolute = absolute_path(path);
	if (absolute)
		return config_load_from(&disk, absolute, emulators, report);
	struct findings findings = {.report = report};
	struct place place = place_root(path, NULL);
	findings_error(&findings, &place, "cannot open %s: %s", path, strerror(errno));
	return NULL;
}
