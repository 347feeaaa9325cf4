#pragma once

/* One shim that stands ready, loaded and set up, so that nobody who starts an instance waits for that. */

#include "core/loop/loop.h"
#include "server/shims/shim_spawn.h"

struct shim_reserve;

/* program: path of emud-shim, borrowed for the reserve's life. */
struct shim_reserve *shim_reserve_create(struct loop *loop, const char *program, struct error *error);
void shim_reserve_destroy(struct shim_reserve *reserve); /* the one that stands ready ends; takes NULL */

/* The one that stands ready, or else a new one; the caller's. */
int shim_reserve_take(struct shim_reserve *reserve, struct shim_handle *ret_handle, struct error *error);

/* Has one made soon, when what is being answered now has been. Where it cannot be, a later take makes its
 * own. */
void shim_reserve_fill(struct shim_reserve *reserve);
