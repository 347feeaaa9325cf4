#pragma once

/* Which emulators this machine has, and their versions: asked of each once, off the loop. */

#include "core/loop/loop.h"

#include <jansson.h>

struct versions;

/* emulators: {"qemu":{"available","version"}}; filled in now with what the PATH says, and with the versions
 * when they have answered. */
struct versions *versions_create(struct loop *loop, json_t *emulators, struct error *error);
/* One that is still under way ends by itself, in the loop. */
void versions_destroy(struct versions *versions);
