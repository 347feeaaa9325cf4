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

/* NULL with error set. */
static const struct config_emulator *select_emulator(const struct config *config, const char *target_name,
						     const char *name, struct error *error)
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
		error_set(error, -ENOENT, "unknown_emulator",
			  "the target \"%.200s\" has no section for the emulator \"%.200s\"", target_name,
			  name);
		return NULL;
	}
	const struct config_emulator *emulator = config_find_emulator(config, name);
	if (!emulator)
		error_set(error, -ENOTSUP, "emulator_unavailable",
			  "the emulator \"%.200s\" is not built into this emud", name);
	return emulator;
}

static const json_t *target_tree(const struct config *config, const char *name)
{
	return json_object_get(json_object_get(config->pw_emu, "targets"), name);
}

static json_t *resolve_settings(const struct config *config, const json_t *target,
				const struct config_emulator *emulator, struct error *error)
{
	return emulator->resolve(json_object_get(config->pw_emu, emulator->name),
				 json_object_get(target, emulator->name), error);
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
	const struct config_emulator *selected = select_emulator(config, target, emulator, error);
	if (!selected)
		return NULL;
	const json_t *tree = target_tree(config, target);
	json_t *settings = resolve_settings(config, tree, selected, error);
	if (!settings) {
		error_wrap(error, "target \"%.200s\"", target);
		return NULL;
	}
	json_t *resolved =
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "target", target, "emulator", selected->name, "gdb",
		      resolve_gdb(config, tree), "pre_start", helpers_to_list(tree, HELPERS_PRE_START),
		      "post_start", helpers_to_list(tree, HELPERS_POST_START), "settings", settings);
	if (!resolved)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return resolved;
}

json_t *config_describe_channels(const struct config *config, const char *target, const char *emulator)
{
	const struct config_emulator *selected = select_emulator(config, target, emulator, NULL);
	cleanup_json json_t *settings =
	    selected ? resolve_settings(config, target_tree(config, target), selected, NULL) : NULL;
	return settings ? selected->describe_channels(settings) : NULL;
}
