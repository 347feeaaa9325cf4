#pragma once

#include "core/config/load.h"

/* Checks one target, resolves $pw_env{} in it and adds it to loader->config (unsorted). */
void target_load(struct loader *loader, const char *name, json_t *target, const struct place *place);
