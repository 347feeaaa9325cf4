#pragma once

/*
 * What is kept of ended runs: the oldest goes as long as there are too many, they are too old, or their
 * output takes too much room (limits.kept_runs, kept_runs_age, kept_runs_bytes).
 */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "server/shims/fleet.h"
#include "server/store/store.h"

#include <stdint.h>

struct run_retention;

/*
 * The limits are those of the fleet's configuration. on_remove takes a run out of the store, with all that
 * belongs to it; why is "count", "age" or "bytes". 0, or a negative errno: then it is tried again later, and
 * no other before it. It comes from the loop, never from within a call.
 */
struct run_retention *run_retention_create(struct loop *loop, struct store *store, struct fleet *fleet,
					   int (*on_remove)(int64_t id, const char *why, void *data),
					   void *data, struct error *error);
void run_retention_destroy(struct run_retention *retention); /* takes NULL */

/* One more is kept, or the limits are others: looks in the next turn. What gets too old later it finds
 * itself. */
void run_retention_look(struct run_retention *retention);
