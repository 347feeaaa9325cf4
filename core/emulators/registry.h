#pragma once

#include "core/emulators/launcher.h"

/* Every row of the table in registry.c, NULL-terminated. */
extern const struct emulator *const emulator_registry[];

/* The built-in emulator of that name; for any other name the row that stands for all which a configuration
 * declares with a driver of their own: its settings say which. */
const struct emulator *emulator_find(const char *name);

/* False for the row that stands for the declared ones: its name is nobody's. */
bool emulator_is_built_in(const struct emulator *emulator);

/* The config_emulator rows of all of them, NULL-terminated, for config_load. */
const struct config_emulator *const *emulator_config_rows(void);
