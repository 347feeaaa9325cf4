#pragma once

/* Renode as one built-in emulator: what the registry lists. */

#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"

extern const struct emulator renode_emulator;
extern const struct config_emulator renode_config;
