#include "core/config/targets.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/expand.h"
#include "core/config/schema.h"
#include "core/config/target.h"

#include <string.h>

/* One file's targets. */
struct target_map {
	struct document document; /* of a target file; the main one's is not here */
	json_t *targets;          /* borrowed; NULL: the file could not be read */
	struct place root;
	struct place place; /* of targets */
};

static const struct config_key target_file_rows[] = {
    {"targets", CONFIG_MAP, true},
    {NULL, CONFIG_MAP, false},
};

static void read_target_file(struct loader *loader, const char *name, const struct place *place,
			     struct target_map *map)
{
	cleanup_free char *path =
	    name[0] == '/' ? strdup(name) : text_format("%s/%s", loader->config->directory, name);
	if (!path) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	if (load_document(loader, path, place, &map->document) < 0)
		return;
	map->root = document_place(&map->document);
	map->place = place_member(&map->root, "targets");
	schema_check(target_file_rows, map->document.root, &map->root, &loader->findings);
	map->targets = json_object_get(map->document.root, "targets");
}

/* The list's strings as they are after substitution. */
static void read_target_files(struct loader *loader, json_t *list, const struct place *place,
			      struct target_map *maps)
{
	size_t index;
	json_t *item;
	json_array_foreach (list, index, item) {
		struct place item_place = place_item(place, index);
		size_t errors_before = loader->findings.error_count;
		cleanup_json json_t *name =
		    expand_value(item, &item_place, EXPAND_SETTING, &loader->findings);
		if (json_is_string(name) && loader->findings.error_count == errors_before)
			read_target_file(loader, json_string_value(name), &item_place, &maps[index]);
	}
}

/* Each map wins over those before it. */
static void load_maps(struct loader *loader, const struct target_map *maps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name;
		json_t *target;
		json_object_foreach (maps[i].targets, name, target) {
			bool is_overridden = false;
			for (size_t later = i + 1; later < count; later++)
				is_overridden = is_overridden || json_object_get(maps[later].targets, name);
			struct place place = place_member(&maps[i].place, name);
			if (!is_overridden)
				target_load(loader, name, target, &place);
		}
	}
}

static int compare_targets(const void *a, const void *b)
{
	const struct config_target *left = a, *right = b;
	return strcmp(left->name ? left->name : "", right->name ? right->name : "");
}

static void sort_targets(struct loader *loader, const struct place *place)
{
	struct config *config = loader->config;
	if (config->target_count)
		qsort(config->targets, config->target_count, sizeof(*config->targets), compare_targets);
	config->target_names = calloc(config->target_count + 1, sizeof(*config->target_names));
	if (!config->target_names) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	for (size_t i = 0; i < config->target_count; i++)
		config->target_names[i] = config->targets[i].name;
}

void targets_load(struct loader *loader, json_t *pw_emu, const struct place *place)
{
	json_t *list = json_object_get(pw_emu, "target_files");
	struct place list_place = place_member(place, "target_files");
	size_t file_count = json_array_size(list);
	struct target_map *maps = calloc(file_count + 1, sizeof(*maps));
	if (!maps) {
		findings_out_of_memory(&loader->findings, place);
		return;
	}
	read_target_files(loader, list, &list_place, maps);
	/* The main file wins over all target files, whichever is named first. */
	maps[file_count].targets = json_object_get(pw_emu, "targets");
	maps[file_count].place = place_member(place, "targets");
	load_maps(loader, maps, file_count + 1);
	sort_targets(loader, place);
	for (size_t i = 0; i < file_count; i++)
		document_finish(&maps[i].document);
	free(maps);
}
