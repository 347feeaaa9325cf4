#pragma once

/* Emulators of one's own: a driver, which is a program that speaks JSON lines, stands for the C of a built-in
 * one. docs/driver-protocol.md is its contract. */

#include "core/config/config.h"
#include "core/emulators/launcher.h"

extern const struct config_emulator external_config;
extern const struct emulator external_emulator;
