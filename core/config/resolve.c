#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/helpers.h"
#include "core/config/tree.h"

/* What a question names, once it is known to be there. */
struct selection {
	const json_t *target;
	const char *name; /* of the emulator */
	const struct config_emulator *emulator;
};

static bool names_emulator(const struct config_target *target, const char *emulator)
{
	for (char *const *name = target->emulators; *name; name++)
		if (text_equal(*name, emulator))
			return true;
	return false;
}

static int select_emulator(const struct config *config, const char *target_name, const char *name,
			   struct selection *ret_selection, struct error *error)
{
	const struct config_target *target = config_find_target(config, target_name);
	if (!target) {
		const char *nearest = text_nearest(target_name, config->target_names);
		return error_set(error, -ENOENT, "unknown_target", "there is no target \"%.200s\"%s%s%s",
				 target_name, nearest ? ", did you mean \"" : "", nearest ? nearest : "",
				 nearest ? "\"?" : "");
	}
	if (!name)
		name = target->emulators[0];
	if (!names_emulator(target, name))
		return error_set(error, -ENOENT, "unknown_emulator",
				 "the target \"%.200s\" has no section for the emulator \"%.200s\"",
				 target_name, name);
	const struct config_emulator *emulator = config_find_emulator(config, name);
	if (!emulator)
		return error_set(error, -ENOTSUP, "emulator_unavailable",
				 "the emulator \"%.200s\" is not built into this emud", name);
	*ret_selection = (struct selection){
	    .target = json_object_get(json_object_get(config->pw_emu, "targets"), target_name),
	    .name = name,
	    .emulator = emulator,
	};
	return 0;
}

static json_t *resolve_settings(const struct config *config, const struct selection *selection,
				struct error *error)
{
	return selection->emulator->resolve(json_object_get(config->pw_emu, selection->name),
					    json_object_get(selection->target, selection->name), error);
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
	struct selection selection;
	if (select_emulator(config, target, emulator, &selection, error) < 0)
		return NULL;
	json_t *settings = resolve_settings(config, &selection, error);
	if (!settings) {
		error_wrap(error, "target \"%.200s\"", target);
		return NULL;
	}
	json_t *resolved =
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "target", target, "emulator", selection.name, "gdb",
		      resolve_gdb(config, selection.target), "pre_start",
		      helpers_to_list(selection.target, HELPERS_PRE_START), "post_start",
		      helpers_to_list(selection.target, HELPERS_POST_START), "settings", settings);
	if (!resolved)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return resolved;
}

json_t *config_describe_channels(const struct config *config, const char *target, const char *emulator)
{
	struct selection selection;
	if (select_emulator(config, target, emulator, &selection, NULL) < 0)
		return NULL;
	cleanup_json json_t *settings = resolve_settings(config, &selection, NULL);
	return settings ? selection.emulator->describe_channels(settings) : NULL;
}
