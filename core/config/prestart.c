#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/config/tree.h"

bool config_prestart_serves(const struct config *config, const json_t *ready, const json_t *resolved)
{
	const char *name = json_member_string(resolved, "emulator", "");
	const struct config_emulator *emulator = config_find_emulator(config, name);
	if (!emulator || !emulator->prestart_keys ||
	    !text_equal(json_member_string(ready, "emulator", ""), name))
		return false;
	const json_t *has = json_object_get(ready, "settings"),
		     *needs = json_object_get(resolved, "settings");
	for (const char *const *key = emulator->prestart_keys; *key; key++)
		if (!json_equal(json_object_get(has, *key), json_object_get(needs, *key)))
			return false;
	return true;
}

/* One more that is wanted, or as many as most of those it can stand for want. */
static int add(const struct config *config, json_t *prestarts, json_t *resolved)
{
	json_int_t count = json_member_integer(json_object_get(resolved, "settings"), "prestart", 0);
	size_t index;
	json_t *prestart;
	if (count <= 0)
		return 0;
	json_array_foreach (prestarts, index, prestart)
		if (config_prestart_serves(config, json_object_get(prestart, "resolved"), resolved)) {
			json_int_t most = json_member_integer(prestart, "count", 0);
			return json_object_set_new(prestart, "count",
						   json_integer(count > most ? count : most));
		}
	return json_array_append_new(prestarts,
				     json_pack("{s:I, s:O}", "count", count, "resolved", resolved));
}

json_t *config_prestarts(const struct config *config)
{
	cleanup_json json_t *prestarts = json_array();
	for (const char *const *target = config_target_names(config); prestarts && *target; target++)
		for (const char *const *name = config_target_emulators(config, *target); *name; name++) {
			const struct config_emulator *emulator = config_find_emulator(config, *name);
			cleanup_json json_t *resolved = emulator && emulator->prestart_keys
							    ? config_resolve(config, *target, *name, NULL)
							    : NULL;
			if (resolved && add(config, prestarts, resolved) < 0)
				return NULL;
		}
	return TAKE(prestarts);
}
