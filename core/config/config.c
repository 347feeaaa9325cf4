#include "core/config/config.h"

#include "core/base/text.h"
#include "core/config/server_settings.h"
#include "core/config/tree.h"

#include <stdlib.h>
#include <string.h>

struct config *config_ref(struct config *config)
{
	config->reference_count++;
	return config;
}

void config_unref(struct config *config)
{
	if (!config || --config->reference_count > 0)
		return;
	for (size_t i = 0; i < config->target_count; i++) {
		free(config->targets[i].name);
		free(config->targets[i].source);
		text_vector_free(config->targets[i].emulators);
	}
	free(config->targets);
	free(config->target_names);
	json_decref(config->pw_emu);
	json_decref(config->declared);
	server_settings_finish(&config->server);
	free(config->path);
	free(config->directory);
	free(config);
}

static const struct config_emulator *find_built_in(const struct config *config, const char *name)
{
	for (const struct config_emulator *const *emulator = config->emulators; *emulator; emulator++)
		if (!(*emulator)->resolve_declared && text_equal((*emulator)->name, name))
			return *emulator;
	return NULL;
}

bool config_is_built_in(const struct config *config, const char *name)
{
	return find_built_in(config, name) != NULL;
}

const struct config_emulator *config_find_emulator(const struct config *config, const char *name)
{
	const struct config_emulator *built_in = find_built_in(config, name);
	if (built_in || !json_object_get(config->declared, name))
		return built_in;
	for (const struct config_emulator *const *emulator = config->emulators; *emulator; emulator++)
		if ((*emulator)->resolve_declared)
			return *emulator;
	return NULL;
}

json_t *config_resolve_section(const struct config *config, const char *emulator, const json_t *section,
			       struct error *error)
{
	const struct config_emulator *found = config_find_emulator(config, emulator);
	const json_t *common = json_object_get(config->pw_emu, emulator);
	if (!found->resolve_declared)
		return found->resolve(common, section, error);
	return found->resolve_declared(json_object_get(config->declared, emulator), common, section, error);
}

const json_t *config_declared_emulators(const struct config *config)
{
	return config->declared;
}

static int compare_name(const void *name, const void *target)
{
	return strcmp(name, ((const struct config_target *) target)->name);
}

const struct config_target *config_find_target(const struct config *config, const char *name)
{
	if (config->target_count == 0)
		return NULL;
	return bsearch(name, config->targets, config->target_count, sizeof(*config->targets), compare_name);
}

const struct config_server *config_server(const struct config *config)
{
	return &config->server;
}

const char *config_path(const struct config *config)
{
	return config->path;
}

const char *config_directory(const struct config *config)
{
	return config->directory;
}

const char *const *config_target_names(const struct config *config)
{
	return config->target_names;
}

bool config_has_target(const struct config *config, const char *target)
{
	return config_find_target(config, target) != NULL;
}

const char *config_target_source(const struct config *config, const char *target)
{
	const struct config_target *found = config_find_target(config, target);
	return found ? found->source : NULL;
}

const char *const *config_target_emulators(const struct config *config, const char *target)
{
	const struct config_target *found = config_find_target(config, target);
	return found ? (const char *const *) found->emulators : NULL;
}

json_t *config_as_pw(const struct config *config)
{
	return json_pack("{s:{s:O}}", "pw", "pw_emu", config->pw_emu);
}
