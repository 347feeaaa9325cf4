#pragma once

/* struct config as the files of this folder see it. */

#include "core/config/config.h"

struct config_target {
	char *name;
	char *source;     /* absolute path of the file it was defined in */
	char **emulators; /* in the order of that file */
};

struct config {
	unsigned reference_count;
	char *path;
	char *directory;
	const struct config_emulator *const *emulators;
	json_t *declared;              /* of pw_emu's emulators those with a driver that are not built in */
	json_t *pw_emu;                /* checked, $pw_env{} replaced, target files folded into "targets" */
	struct config_target *targets; /* sorted by name */
	const char **target_names;     /* borrowed from targets; ends with NULL */
	size_t target_count;
	struct config_server server;
};

/* NULL: neither built in nor declared with a driver. */
const struct config_emulator *config_find_emulator(const struct config *config, const char *name);
bool config_is_built_in(const struct config *config, const char *name);

/* The settings of a target's section on that emulator, which is one that was found. New reference or NULL. */
json_t *config_resolve_section(const struct config *config, const char *emulator, const json_t *section,
			       struct error *error);

/* NULL: there is none of that name. */
const struct config_target *config_find_target(const struct config *config, const char *name);
