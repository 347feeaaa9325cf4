#pragma once

#include "core/emulators/launcher.h"

/* Every built-in emulator, NULL-terminated. */
extern const struct emulator *const emulator_registry[];

const struct emulator *emulator_find(const char *name); /* NULL: not built in */

/* The config_emulator rows of all of them, NULL-terminated, for config_load. */
const struct config_emulator *const *emulator_config_rows(void);
