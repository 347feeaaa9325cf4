#pragma once

/* Folds the write-ahead log back into the database on a pool thread, over a connection of its own, so that
 * the loop never waits for the disk. Nobody outside server/store includes this. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <sqlite3.h>

struct checkpointer;

/* Follows the commits of db, whose file is path. NULL on failure. */
struct checkpointer *checkpointer_create(sqlite3 *db, const char *path, struct loop *loop,
					 struct error *error);
/* Before db is closed. A checkpoint under way ends by itself, in the loop. */
void checkpointer_destroy(struct checkpointer *checkpointer);
