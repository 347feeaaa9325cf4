#include "server/store/store.h"

#include "server/store/checkpoint.h"
#include "server/store/database.h"
#include "server/store/migrations.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* SQLite makes its log with the mode of the database, and may make it as soon as it reads: so the database
 * is made private before SQLite sees it. */
static int make_private_file(const char *path, struct error *error)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat status;
	if (fd < 0 || fstat(fd, &status))
		return error_set_errno(error, -errno, "internal_error", "it cannot be opened");
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EBADMSG, "internal_error", "it is not a regular file");
	if ((status.st_mode & 0077) && fchmod(fd, 0600))
		return error_set_errno(error, -errno, "internal_error", "its mode cannot be set to 0600");
	return 0;
}

/* Damage is found now, where a person reads the message, not in the middle of a request. */
static int check_integrity(sqlite3 *db, struct error *error)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	int number = 0;
	if (result != SQLITE_ROW) {
		number = database_error(db, result, "it cannot be read", error);
	} else {
		const char *finding = (const char *) sqlite3_column_text(statement, 0);
		if (!finding || strcmp(finding, "ok") != 0)
			number = error_set(error, -EBADMSG, "internal_error", "it is damaged: %s",
					   finding ? finding : "no memory to say how");
	}
	sqlite3_finalize(statement);
	return number;
}

static int use_write_ahead_log(sqlite3 *db, struct error *error)
{
	int result = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	return result == SQLITE_OK ? 0 : database_error(db, result, "it cannot be written", error);
}

struct store *store_open(const char *path, struct error *error)
{
	struct error unwanted = {0};
	error = error ? error : &unwanted;
	struct store *store = calloc(1, sizeof(*store));
	if (!store) {
		error_set(error, -ENOMEM, NULL, "no memory for the store");
		return NULL;
	}
	int number = make_private_file(path, error);
	if (!number && !(store->db = database_connect(path, error)))
		number = error->number;
	if (!number)
		number = check_integrity(store->db, error);
	if (!number)
		number = migrations_apply(store->db, store_migrations, error);
	if (!number)
		number = use_write_ahead_log(store->db, error);
	if (!number)
		return store;
	error_wrap(error, "the database %s cannot be used", path);
	store_close(store);
	return NULL;
}

int store_start_checkpoints(struct store *store, struct loop *loop, struct error *error)
{
	checkpointer_destroy(store->checkpointer);
	store->checkpointer =
	    checkpointer_create(store->db, sqlite3_db_filename(store->db, "main"), loop, error);
	return store->checkpointer ? 0 : -ENOMEM;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	checkpointer_destroy(store->checkpointer);
	for (size_t i = 0; i < store->statement_count; i++)
		sqlite3_finalize(store->statements[i].statement);
	free(store->statements);
	sqlite3_close(store->db);
	free(store);
}

static int run_statement(struct store *store, const char *static_sql, const char *what, struct error *error)
{
	cleanup_query struct query query = query_begin(store, static_sql);
	return query_run(&query, what, NULL, error);
}

int store_begin(struct store *store, struct error *error)
{
	return run_statement(store, "BEGIN IMMEDIATE", "what has changed cannot be stored", error);
}

int store_end(struct store *store, int result, struct error *error)
{
	if (!result)
		result = run_statement(store, "COMMIT", "what has changed cannot be stored", error);
	/* A failed statement may have rolled back already: then this one only says so. */
	if (result)
		run_statement(store, "ROLLBACK", "", NULL);
	return result;
}
