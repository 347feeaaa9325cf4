#include "server/store/migrations.h"

#include "server/store/database.h"

#include <inttypes.h>

/* "emud" in ASCII: tells our databases from those of other programs (see PRAGMA application_id). */
#define APPLICATION_ID 0x656d7564

/*
 * Times are milliseconds since 1970. The labels of an instance are fixed when it is made; the table labels
 * is an index over them that the triggers keep. A file that an instance refers to cannot be deleted.
 */
static const char first_schema[] = R"sql(
CREATE TABLE files (
	sha256 TEXT NOT NULL PRIMARY KEY,
	size INTEGER NOT NULL,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	machine TEXT,
	entry INTEGER,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_name ON files (name, sha256);

CREATE TABLE instances (
	id TEXT NOT NULL PRIMARY KEY,
	path TEXT NOT NULL UNIQUE,
	target TEXT NOT NULL,
	emulator TEXT NOT NULL,
	state TEXT NOT NULL,
	phase TEXT NOT NULL CHECK (phase IN ('idle', 'starting', 'deleting')),
	start_number INTEGER NOT NULL,
	boot_id TEXT,
	created_at INTEGER NOT NULL,
	started_at INTEGER,
	ended_at INTEGER,
	file TEXT REFERENCES files (sha256),
	labels TEXT NOT NULL,
	spec TEXT NOT NULL,
	exit TEXT
) STRICT;
CREATE INDEX instances_by_file ON instances (file) WHERE file IS NOT NULL;

CREATE TABLE labels (
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	instance TEXT NOT NULL,
	PRIMARY KEY (key, value, instance)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER labels_of_new_instance AFTER INSERT ON instances WHEN new.labels <> '{}' BEGIN
	INSERT INTO labels SELECT key, value, new.id FROM json_each(new.labels);
END;
CREATE TRIGGER labels_of_old_instance AFTER DELETE ON instances WHEN old.labels <> '{}' BEGIN
	DELETE FROM labels
	WHERE instance = old.id AND (key, value) IN (SELECT key, value FROM json_each(old.labels));
END;

CREATE TABLE sessions (
	digest BLOB NOT NULL PRIMARY KEY,
	token_digest BLOB NOT NULL,
	token_name TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA application_id = 0x656d7564;
PRAGMA user_version = 1;
)sql";

const struct migration store_migrations[] = {
    {"instances, files, sessions", first_schema},
    {NULL, NULL},
};

static int apply_one(sqlite3 *db, const struct migration *migration, struct error *error)
{
	int result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db, migration->sql, NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (result == SQLITE_OK)
		return 0;
	int number = database_error(db, result, "the schema cannot be brought up to date", error);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	error_wrap(error, "%s", migration->name);
	return number;
}

/* An empty database is nobody's yet; any other must say that it is ours. */
static int check_owner(sqlite3 *db, struct error *error)
{
	int64_t application = 0, tables = 0;
	int number = database_read_integer(db, "PRAGMA application_id", &application, error);
	if (!number)
		number = database_read_integer(db, "SELECT count(*) FROM sqlite_schema", &tables, error);
	if (number)
		return number;
	if (application == APPLICATION_ID || (application == 0 && tables == 0))
		return 0;
	return error_set(error, -EBADMSG, "internal_error",
			 "it is a database of another program, not emud's");
}

int migrations_apply(sqlite3 *db, const struct migration *migrations, struct error *error)
{
	int64_t version = 0, known = 0;
	int number = check_owner(db, error);
	if (!number)
		number = database_read_integer(db, "PRAGMA user_version", &version, error);
	if (number)
		return number;
	while (migrations[known].name)
		known++;
	if (version < 0 || version > known)
		return error_set(
		    error, -ENOTSUP, "internal_error",
		    "its schema version is %" PRId64 ", this emud knows versions up to %" PRId64
		    ": a newer emud has used it; start that one, or name another state directory",
		    version, known);
	for (int64_t step = version; step < known && !number; step++)
		number = apply_one(db, &migrations[step], error);
	return number;
}
