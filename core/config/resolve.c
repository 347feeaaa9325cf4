#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/helpers.h"
#include "core/config/tree.h"

static bool names_emulator(const struct config_target *target, const char *emulator)
{
	for (char *const *name = target->emulators; *name; name++)
		if (text_equal(*name, emulator))
			return true;
	return false;
}

static void refuse_emulator(const struct config_target *target, const char *name, struct error *error)
{
	const char *nearest = text_nearest(name, (const char *const *) target->emulators);
	error_set(error, -ENOENT, "unknown_emulator",
		  "the target \"%.200s\" has no section for the emulator \"%.200s\"%s%s%s", target->name,
		  name, nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* The name of the target's emulator that is meant, which is one that can be resolved. NULL with error set. */
static const char *select_emulator(const struct config *config, const char *target_name, const char *name,
				   struct error *error)
{
	const struct config_target *target = config_find_target(config, target_name);
	if (!target) {
		const char *nearest = text_nearest(target_name, config->target_names);
		error_set(error, -ENOENT, "unknown_target", "there is no target \"%.200s\"%s%s%s",
			  target_name, nearest ? ", did you mean \"" : "", nearest ? nearest : "",
			  nearest ? "\"?" : "");
		return NULL;
	}
	if (!name)
		name = target->emulators[0];
	if (!names_emulator(target, name)) {
		refuse_emulator(target, name, error);
		return NULL;
	}
	if (config_find_emulator(config, name))
		return name;
	error_set(
	    error, -ENOTSUP, "emulator_unavailable",
	    "the emulator \"%.200s\" is not built into this emud, and the configuration names no driver "
	    "for it",
	    name);
	return NULL;
}

static const json_t *target_tree(const struct config *config, const char *name)
{
	return json_object_get(json_object_get(config->pw_emu, "targets"), name);
}

/* The target's own command wins; an empty one counts as none. New reference. */
static json_t *resolve_gdb(const struct config *config, const json_t *target)
{
	json_t *own = json_object_get(target, "gdb"), *common = json_object_get(config->pw_emu, "gdb");
	if (json_array_size(own))
		return json_incref(own);
	return common ? json_incref(common) : json_array();
}

json_t *config_resolve(const struct config *config, const char *target, const char *emulator,
		       struct error *error)
{
	const char *selected = select_emulator(config, target, emulator, error);
	if (!selected)
		return NULL;
	const json_t *tree = target_tree(config, target);
	json_t *settings = config_resolve_section(config, selected, json_object_get(tree, selected), error);
	if (!settings) {
		error_wrap(error, "target \"%.200s\"", target);
		return NULL;
	}
	json_t *resolved =
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "target", target, "emulator", selected, "gdb",
		      resolve_gdb(config, tree), "pre_start", helpers_to_list(tree, HELPERS_PRE_START),
		      "post_start", helpers_to_list(tree, HELPERS_POST_START), "settings", settings);
	if (!resolved)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return resolved;
}

json_t *config_describe_channels(const struct config *config, const char *target, const char *emulator)
{
	const char *selected = select_emulator(config, target, emulator, NULL);
	const json_t *section = json_object_get(target_tree(config, target), selected ? selected : "");
	cleanup_json json_t *settings =
	    selected ? config_resolve_section(config, selected, section, NULL) : NULL;
	return settings ? config_find_emulator(config, selected)->describe_channels(settings) : NULL;
}
