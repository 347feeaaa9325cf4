#pragma once

#include "core/config/load.h"

/* Reads the target files that pw_emu names, checks every target that counts and puts it into loader->config.
 * place: of pw_emu, which is as it stands in the main file. */
void targets_load(struct loader *loader, json_t *pw_emu, const struct place *place);
