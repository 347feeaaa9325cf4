#pragma once

/* The connector's property calls. */

#include "core/emulators/connector.h"

void renode_property_list(struct launcher *launcher, const char *path, uint64_t timeout_ms,
			  connector_done *on_done, void *data);
void renode_property_get(struct launcher *launcher, const char *path, const char *name, uint64_t timeout_ms,
			 connector_done *on_done, void *data);
void renode_property_set(struct launcher *launcher, const char *path, const char *name, const json_t *value,
			 uint64_t timeout_ms, connector_done *on_done, void *data);
