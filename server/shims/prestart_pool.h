#pragma once

/*
 * Emulators that stand ready for instances to come, as many as the configuration asks for, each with a shim
 * in a directory of its own, which becomes the state directory of the instance that takes it. They end with
 * emud.
 */

#include "server/shims/fleet.h"
#include "server/shims/shim_spawn.h"

#include <jansson.h>
#include <stdbool.h>

struct prestart_pool;

/* own_root: where state directories lie that nobody chose; borrowed as the fleet is. */
struct prestart_pool *prestart_pool_create(struct fleet *fleet, const char *own_root, struct error *error);
void prestart_pool_destroy(struct prestart_pool *pool); /* takes NULL */

/* Brings it in line with the configuration soon: starts what is missing, lets go of what nobody will want,
 * and removes the directories that are nobody's any more. */
void prestart_pool_fill(struct prestart_pool *pool);

bool prestart_pool_is_empty(const struct prestart_pool *pool);

/* Takes one that serves the resolved target: its directory is at path then (where nothing was), and the
 * handle the caller's. False: there is none. */
bool prestart_pool_take(struct prestart_pool *pool, const json_t *resolved, const char *path,
			struct shim_handle *ret_handle);
