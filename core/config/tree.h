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
	json_t *pw_emu;                /* checked, $pw_env{} replaced, target files folded into "targets" */
	struct config_target *targets; /* sorted by name */
	const char **target_names;     /* borrowed from targets; ends with NULL */
	size_t target_count;
	struct config_server server;
};

/* NULL: not built in. */
const struct config_emulator *config_find_emulator(const struct config *config, const char *name);

/* NULL: there is none of that name. */
const struct config_target *config_find_target(const struct config *config, const char *name);
