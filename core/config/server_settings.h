#pragma once

#include "core/config/config.h"
#include "core/config/findings.h"

#include <jansson.h>

/* Fills settings with defaults and with what the `server:` map (NULL: there is none) says, paths made
 * absolute below directory. Errors and warnings are added. */
void server_settings_read(struct config_server *settings, const json_t *map, const char *directory,
			  const struct place *place, struct findings *findings);

void server_settings_finish(struct config_server *settings);
