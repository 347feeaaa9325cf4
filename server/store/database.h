#pragma once

/* What the store's own files share: the connection, kept statements, SQLite's errors in the house's form.
 * Nobody outside server/store includes this. */

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_statement {
	const char *sql; /* static; its address is the key */
	sqlite3_stmt *statement;
};

struct store {
	sqlite3 *db;
	struct kept_statement *statements;
	size_t statement_count;
	struct checkpointer *checkpointer; /* NULL: none was started */
};

/* Opens a connection with the settings every connection of ours has; NULL on failure. */
sqlite3 *database_connect(const char *path, struct error *error);

/* Fills error for a failed SQLite call: "<what>: <SQLite's words>". Returns its negative errno. */
int database_error(sqlite3 *db, int result, const char *what, struct error *error);

/* The integer that a statement without parameters answers, as PRAGMA user_version. */
int database_read_integer(sqlite3 *db, const char *sql, int64_t *ret_value, struct error *error);

/* One use of a kept statement: parameters are bound in their order, each by one call; a failure on the way
 * is told by query_step or query_run. Bound strings and bytes must live until query_finish. */
struct query {
	struct store *store;
	sqlite3_stmt *statement;
	int result;
	int parameter;
};

struct query query_begin(struct store *store, const char *static_sql);
void query_finish(struct query *query);
#define cleanup_query cleanup(query_finish)

void query_bind_text(struct query *query, const char *text); /* NULL binds SQL's NULL */
void query_bind_integer(struct query *query, int64_t value);
void query_bind_bytes(struct query *query, const void *bytes, size_t length);
void query_bind_null(struct query *query);
void query_bind_time(struct query *query, int64_t wall_ms); /* 0 binds SQL's NULL: it has none */

/* 1: a row is there; 0: no more; else a negative errno. */
int query_step(struct query *query, const char *what, struct error *error);
/* For a statement that answers no row. ret_changes: how many rows it touched; may be NULL. */
int query_run(struct query *query, const char *what, int *ret_changes, struct error *error);

/* A column of the current row as a copy the caller frees; *ret_text is NULL where the column is. */
int query_take_text(struct query *query, int column, char **ret_text);
