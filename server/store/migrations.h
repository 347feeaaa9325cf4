#pragma once

/* The schema, as the steps that led to it. The database counts the steps it has taken in PRAGMA
 * user_version. Nobody outside server/store includes this. */

#include "core/base/error.h"

#include <sqlite3.h>

/* A row is never changed once it has been released: a new row is added. Its SQL ends with the
 * PRAGMA user_version that is its own number, counted from 1. */
struct migration {
	const char *name; /* NULL ends the table */
	const char *sql;
};

extern const struct migration store_migrations[];

/* Takes every step that db has not taken, each in a transaction of its own. -ENOTSUP when db has taken more
 * steps than there are, -EBADMSG when it is not emud's. db is as before on failure. */
int migrations_apply(sqlite3 *db, const struct migration *migrations, struct error *error);
