#include "server/store/database.h"

#include <stdlib.h>
#include <string.h>

/* The store is used on the loop's thread: what another process (a curious sqlite3 shell) holds longer than
 * this is told to the caller instead of being waited for. */
enum { BUSY_TIMEOUT_MS = 20 };

static int errno_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return -EACCES;
	default:
		return -EIO;
	}
}

static const char *code_of(int number)
{
	switch (number) {
	case -ENOSPC:
		return "insufficient_storage";
	case -EBUSY:
		return "unavailable";
	case -EEXIST:
		return "conflict";
	default:
		return "internal_error";
	}
}

int database_error(sqlite3 *db, int result, const char *what, struct error *error)
{
	int number = errno_of(result);
	/* A write that the disk has no room for is reported by some file systems as a short or failed one. */
	if (number == -EIO && db &&
	    (sqlite3_system_errno(db) == ENOSPC || sqlite3_system_errno(db) == EDQUOT))
		number = -ENOSPC;
	return error_set(error, number, code_of(number), "%s: %s", what,
			 db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
}

sqlite3 *database_connect(const char *path, struct error *error)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int result = sqlite3_open_v2(path, &db, flags, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db,
				      "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
				      "PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF;"
				      "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;"
				      "PRAGMA journal_size_limit = 8388608;",
				      NULL, NULL, NULL);
	if (result == SQLITE_OK)
		return db;
	database_error(db, result, path, error);
	sqlite3_close(db);
	return NULL;
}

int database_read_integer(sqlite3 *db, const char *sql, int64_t *ret_value, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	int number = 0;
	if (result == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(statement, 0);
	else
		number = database_error(db, result, "the database cannot be read", error);
	sqlite3_finalize(statement);
	return number;
}

static sqlite3_stmt *keep_statement(struct store *store, const char *sql, int *result)
{
	for (size_t i = 0; i < store->statement_count; i++)
		if (store->statements[i].sql == sql)
			return store->statements[i].statement;
	struct kept_statement *grown =
	    realloc(store->statements, (store->statement_count + 1) * sizeof(*grown));
	if (!grown) {
		*result = SQLITE_NOMEM;
		return NULL;
	}
	store->statements = grown;
	sqlite3_stmt *statement = NULL;
	*result = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (*result == SQLITE_OK)
		store->statements[store->statement_count++] = (struct kept_statement){sql, statement};
	return statement;
}

struct query query_begin(struct store *store, const char *static_sql)
{
	struct query query = {.store = store, .result = SQLITE_OK};
	sqlite3_stmt *statement = keep_statement(store, static_sql, &query.result);
	/* A callback that asks for the very list it is being called from. */
	if (statement && sqlite3_stmt_busy(statement))
		query.result = SQLITE_LOCKED;
	else
		query.statement = statement;
	return query;
}

void query_finish(struct query *query)
{
	if (!query->statement)
		return;
	sqlite3_reset(query->statement);
	sqlite3_clear_bindings(query->statement);
	query->statement = NULL;
}

static bool can_bind(struct query *query)
{
	query->parameter++;
	return query->result == SQLITE_OK;
}

void query_bind_text(struct query *query, const char *text)
{
	if (can_bind(query))
		query->result =
		    sqlite3_bind_text(query->statement, query->parameter, text, -1, SQLITE_STATIC);
}

void query_bind_integer(struct query *query, int64_t value)
{
	if (can_bind(query))
		query->result = sqlite3_bind_int64(query->statement, query->parameter, value);
}

void query_bind_bytes(struct query *query, const void *bytes, size_t length)
{
	if (can_bind(query))
		query->result =
		    sqlite3_bind_blob64(query->statement, query->parameter, bytes, length, SQLITE_STATIC);
}

void query_bind_null(struct query *query)
{
	if (can_bind(query))
		query->result = sqlite3_bind_null(query->statement, query->parameter);
}

void query_bind_time(struct query *query, int64_t wall_ms)
{
	if (wall_ms)
		query_bind_integer(query, wall_ms);
	else
		query_bind_null(query);
}

int query_step(struct query *query, const char *what, struct error *error)
{
	if (query->result == SQLITE_OK || query->result == SQLITE_ROW)
		query->result = sqlite3_step(query->statement);
	if (query->result == SQLITE_ROW)
		return 1;
	if (query->result == SQLITE_DONE)
		return 0;
	return database_error(query->store->db, query->result, what, error);
}

int query_run(struct query *query, const char *what, int *ret_changes, struct error *error)
{
	int number = query_step(query, what, error);
	if (number < 0)
		return number;
	if (ret_changes)
		*ret_changes = sqlite3_changes(query->store->db);
	return 0;
}

int query_take_text(struct query *query, int column, char **ret_text)
{
	const char *text = (const char *) sqlite3_column_text(query->statement, column);
	if (!text && sqlite3_column_type(query->statement, column) != SQLITE_NULL)
		return -ENOMEM;
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}
