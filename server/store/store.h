#pragma once

/*
 * The metadata of the service in one SQLite database: which instances exist and what was asked of them
 * (instances.h), uploaded files (files.h), browser sessions (sessions.h), runs (runs.h).
 *
 * One thread uses a store. Every call is one statement, so it happens whole or not at all, also when the
 * process is killed in the middle. A call that fails reports 0 or a negative errno: -ENOSPC with code
 * "insufficient_storage" on a full disk, -EBUSY with "unavailable" while another process holds the
 * database, -EBADMSG when it is damaged; -ENOENT and -EEXIST as each function says.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

struct store;

/* Opens the database at path, makes it (mode 0600) where it is missing, and brings its schema up to date.
 * Refused with a message for a person: a database of a newer emud, of another program, or a damaged one.
 * NULL on failure. */
struct store *store_open(const char *path, struct error *error);

/* From now on the write-ahead log is folded back into the database on a pool thread of loop's whenever it
 * has grown by 4 MB; before, and without this call, only when the store is closed. */
int store_start_checkpoints(struct store *store, struct loop *loop, struct error *error);

/* What is written until store_end is kept together or not at all, also when the process is killed. Not
 * nested. 0 or a negative errno as above: then nothing was begun. */
int store_begin(struct store *store, struct error *error);
/* result: 0: it is to be kept; negative: it failed, and nothing of it is. Returns result, or why it could not
 * be kept (with error set): then nothing of it is, either. */
int store_end(struct store *store, int result, struct error *error);

void store_close(struct store *store);
