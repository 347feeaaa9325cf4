#include "core/emulators/registry.h"

#include <string.h>

/* The table: ROW(x) stands for x_emulator and its x_config, which the folder x defines. */
#define EMULATORS(ROW) ROW(qemu) ROW(renode) ROW(external)

#define DECLARE(name) \
	extern const struct emulator name##_emulator; \
	extern const struct config_emulator name##_config;
EMULATORS(DECLARE)

#define EMULATOR(name) &name##_emulator,
const struct emulator *const emulator_registry[] = {EMULATORS(EMULATOR) NULL};

#define CONFIG(name) &name##_config,
static const struct config_emulator *const config_rows[] = {EMULATORS(CONFIG) NULL};

bool emulator_is_built_in(const struct emulator *emulator)
{
	return !emulator->config->resolve_declared;
}

const struct emulator *emulator_find(const char *name)
{
	const struct emulator *declared = NULL;
	for (const struct emulator *const *row = emulator_registry; *row; row++) {
		if (!emulator_is_built_in(*row))
			declared = *row;
		else if (strcmp((*row)->name, name) == 0)
			return *row;
	}
	return declared;
}

const struct config_emulator *const *emulator_config_rows(void)
{
	return config_rows;
}
