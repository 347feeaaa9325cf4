#pragma once

/* QEMU as one built-in emulator: what the registry lists. */

#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"

extern const struct emulator qemu_emulator;
extern const struct config_emulator qemu_config;
