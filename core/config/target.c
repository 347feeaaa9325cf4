#include "core/config/target.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/expand.h"
#include "core/config/file_names.h"
#include "core/config/helpers.h"
#include "core/config/schema.h"

#include <string.h>

static const struct config_key target_rows[] = {
    {"gdb", CONFIG_STRING_LIST, false},
    {HELPERS_PRE_START ".*", CONFIG_STRING_LIST, false},
    {HELPERS_POST_START ".*", CONFIG_STRING_LIST, false},
    {NULL, CONFIG_MAP, false},
};

static enum expand_mode mode_of_member(const struct loader *loader, const char *key)
{
	if (text_equal(key, HELPERS_PRE_START) || text_equal(key, HELPERS_POST_START))
		return EXPAND_HELPER;
	bool is_foreign =
	    load_is_listed(loader->emulator_names, key) && !config_find_emulator(loader->config, key);
	return is_foreign ? EXPAND_FOREIGN : EXPAND_SETTING;
}

static json_t *expand_target(struct loader *loader, json_t *target, const struct place *place)
{
	cleanup_json json_t *expanded = json_object();
	const char *key;
	json_t *member;
	json_object_foreach (target, key, member) {
		struct place member_place = place_member(place, key);
		json_t *copy =
		    expand_value(member, &member_place, mode_of_member(loader, key), &loader->findings);
		if (json_object_set_new(expanded, key, copy) < 0)
			return NULL;
	}
	return TAKE(expanded);
}

static char **list_emulators(const struct loader *loader, const json_t *target)
{
	char **emulators = NULL;
	const char *key;
	json_t *member;
	json_object_foreach ((json_t *) target, key, member) {
		if (load_is_listed(loader->emulator_names, key))
			text_vector_append(&emulators, key);
	}
	return emulators;
}

static void check_channel_names(struct loader *loader, const json_t *channels, const struct place *place)
{
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) channels, name, channel) {
		const char *complaint = file_names_complain_of_channel(name);
		if (complaint)
			findings_error(&loader->findings, place, "the channel's name \"%.60s\" %s", name,
				       complaint);
	}
}

/* The length of the first key of a path below map, whose keys may contain dots themselves. The whole path
 * where its key is not there. */
static size_t first_key_length(const json_t *map, const char *path)
{
	size_t length = strcspn(path, ".");
	while (path[length] && !json_object_getn(map, path, length))
		length += 1 + strcspn(path + length + 1, ".");
	return length;
}

/* Adds an error of an emulator's resolve, which may begin with the key it is about: "channels.x.id: ...". */
static void refuse_section(struct findings *findings, const json_t *section, const struct place *place,
			   const char *message)
{
	enum { DEPTH_MAX = 8 };
	struct place below[DEPTH_MAX];
	char path[PLACE_PATH_SIZE];
	size_t path_length = strcspn(message, ": ");
	bool has_path = text_starts_with(message + path_length, ": ") && path_length < sizeof(path);
	memcpy(path, message, has_path ? path_length : 0);
	path[has_path ? path_length : 0] = '\0';
	char *rest = path;
	for (size_t i = 0; *rest && i < DEPTH_MAX; i++) {
		size_t length = first_key_length(section, rest);
		bool is_last = rest[length] == '\0';
		rest[length] = '\0';
		below[i] = place_member(place, rest);
		place = &below[i];
		section = json_object_get(section, rest);
		rest += is_last ? length : length + 1;
	}
	findings_error(findings, place, "%s", has_path ? message + path_length + 2 : message);
}

/* Adds the target's channels on one emulator to the list. False: they are not known, with errors added where
 * they should be. */
static bool add_channels(struct loader *loader, const char *name, const json_t *section,
			 const struct place *place, json_t *channels)
{
	const struct config_emulator *emulator = config_find_emulator(loader->config, name);
	/* A section that is no map has been told of with the other types. */
	if (!emulator || !json_is_object(section) ||
	    (emulator->target_keys &&
	     schema_check(emulator->target_keys, section, place, &loader->findings) < 0) ||
	    load_is_listed(loader->broken_emulators, name))
		return false;
	struct error error = {0};
	cleanup_json json_t *settings = config_resolve_section(loader->config, name, section, &error);
	if (!settings) {
		refuse_section(&loader->findings, section, place, error.message);
		return false;
	}
	json_t *described = emulator->describe_channels(settings);
	check_channel_names(loader, described, place);
	return described && json_array_append_new(channels, described) == 0;
}

static void check_emulators(struct loader *loader, const json_t *target, char *const *emulators,
			    const struct place *place)
{
	cleanup_json json_t *channels = json_array();
	bool is_complete = true;
	for (char *const *name = emulators; *name; name++) {
		struct place section_place = place_member(place, *name);
		const json_t *section = json_object_get(target, *name);
		is_complete = add_channels(loader, *name, section, &section_place, channels) && is_complete;
	}
	helpers_check_channels(target, channels, is_complete, place, &loader->findings);
}

static void check_target(struct loader *loader, const char *name, const json_t *target,
			 char *const *emulators, const struct place *place)
{
	cleanup_free struct config_key *rows =
	    schema_rows_with_sections(target_rows, (const char *const *) loader->emulator_names);
	if (!rows) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	if (!name[0])
		findings_error(&loader->findings, place, "a target needs a name");
	schema_check(rows, target, place, &loader->findings);
	helpers_check(target, emulators, place, &loader->findings);
	if (emulators)
		check_emulators(loader, target, emulators, place);
	else
		findings_error(&loader->findings, place,
			       "names no emulator: a section such as \"%s\" is required",
			       loader->emulator_names[0]);
}

static int add_target(struct config *config, const char *name, const char *source, char **emulators,
		      json_t *expanded)
{
	struct config_target *targets =
	    reallocarray(config->targets, config->target_count + 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	config->targets = targets;
	struct config_target *target = &targets[config->target_count++];
	*target = (struct config_target){
	    .name = strdup(name),
	    .source = strdup(source),
	    .emulators = text_vector_copy((const char *const *) emulators),
	};
	bool is_kept = json_object_set(json_object_get(config->pw_emu, "targets"), name, expanded) == 0;
	return target->name && target->source && is_kept ? 0 : -ENOMEM;
}

void target_load(struct loader *loader, const char *name, json_t *target, const struct place *place)
{
	if (!json_is_object(target)) {
		findings_error(&loader->findings, place, "must be a map, not %s", document_type_name(target));
		return;
	}
	cleanup_json json_t *expanded = expand_target(loader, target, place);
	if (!expanded) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	cleanup_text_vector char **emulators = list_emulators(loader, expanded);
	check_target(loader, name, expanded, emulators, place);
	if (add_target(loader->config, name, place->file, emulators, expanded) < 0)
		findings_out_of_memory(&loader->findings, place);
}
