#include "server/store/migrations.h"

#include "server/store/database.h"

#include <inttypes.h>

/* "emud" in ASCII: tells our databases from those of other programs (see PRAGMA application_id). */
#define APPLICATION_ID 0x656d7564

/*
 * Times are milliseconds since 1970. The labels of an instance are fixed when it is made; the table labels
 * is an index over them that the triggers keep. A file that an instance refers to cannot be deleted.
 */
static const char first_schema[] =
    "CREATE TABLE files (\n"
    "  sha256 TEXT NOT NULL PRIMARY KEY,\n"
    "  size INTEGER NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  kind TEXT NOT NULL,\n"
    "  machine TEXT,\n"
    "  entry INTEGER,\n"
    "  created_at INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX files_by_name ON files (name, sha256);\n"
    "CREATE TABLE instances (\n"
    "  id TEXT NOT NULL PRIMARY KEY,\n"
    "  path TEXT NOT NULL UNIQUE,\n"
    "  target TEXT NOT NULL,\n"
    "  emulator TEXT NOT NULL,\n"
    "  state TEXT NOT NULL,\n"
    "  phase TEXT NOT NULL CHECK (phase IN ('idle', 'starting', 'restarting', 'deleting')),\n"
    "  start_number INTEGER NOT NULL,\n"
    "  boot_id TEXT,\n"
    "  created_at INTEGER NOT NULL,\n"
    "  started_at INTEGER,\n"
    "  ended_at INTEGER,\n"
    "  file TEXT REFERENCES files (sha256),\n"
    "  labels TEXT NOT NULL,\n"
    "  spec TEXT NOT NULL,\n"
    "  exit TEXT\n"
    ") STRICT;\n"
    "CREATE INDEX instances_by_file ON instances (file) WHERE file IS NOT NULL;\n"
    "CREATE TABLE labels (\n"
    "  key TEXT NOT NULL,\n"
    "  value TEXT NOT NULL,\n"
    "  instance TEXT NOT NULL,\n"
    "  PRIMARY KEY (key, value, instance)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TRIGGER labels_of_new_instance AFTER INSERT ON instances WHEN new.labels <> '{}' BEGIN\n"
    "  INSERT INTO labels SELECT key, value, new.id FROM json_each(new.labels);\n"
    "END;\n"
    "CREATE TRIGGER labels_of_old_instance AFTER DELETE ON instances WHEN old.labels <> '{}' BEGIN\n"
    "  DELETE FROM labels\n"
    "  WHERE instance = old.id AND (key, value) IN (SELECT key, value FROM json_each(old.labels));\n"
    "END;\n"
    "CREATE TABLE sessions (\n"
    "  digest BLOB NOT NULL PRIMARY KEY,\n"
    "  token_digest BLOB NOT NULL,\n"
    "  token_name TEXT NOT NULL,\n"
    "  created_at INTEGER NOT NULL,\n"
    "  expires_at INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "PRAGMA application_id = 0x656d7564;\n"
    "PRAGMA user_version = 1;\n";

/*
 * A verdict is what makes a run ended. The labels are kept as those of instances are. runs_kept and runs_open
 * hold what runs_sum_kept and runs_list_open look for. A file that is not kept goes with the last run that
 * refers to it.
 */
static const char runs_schema[] =
    "CREATE TABLE runs (\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'ended')),\n"
    "  verdict TEXT CHECK (verdict IN\n"
    "    ('passed', 'failed', 'timed_out', 'crashed', 'not_started', 'canceled')),\n"
    "  target TEXT NOT NULL,\n"
    "  client TEXT NOT NULL,\n"
    "  file TEXT REFERENCES files (sha256),\n"
    "  is_detached INTEGER NOT NULL,\n"
    "  instance TEXT,\n"
    "  output_bytes INTEGER NOT NULL,\n"
    "  created_at INTEGER NOT NULL,\n"
    "  started_at INTEGER,\n"
    "  ended_at INTEGER,\n"
    "  labels TEXT NOT NULL,\n"
    "  progress TEXT,\n"
    "  result TEXT,\n"
    "  spec TEXT NOT NULL,\n"
    "  tests TEXT,\n"
    "  CHECK ((state = 'ended') = (verdict IS NOT NULL) AND (state = 'ended') = (ended_at IS NOT NULL))\n"
    ") STRICT;\n"
    "CREATE INDEX runs_by_state ON runs (state);\n"
    "CREATE INDEX runs_by_verdict ON runs (verdict);\n"
    "CREATE INDEX runs_by_target ON runs (target);\n"
    "CREATE INDEX runs_by_target_state ON runs (target, state);\n"
    "CREATE INDEX runs_by_target_verdict ON runs (target, verdict);\n"
    "CREATE INDEX runs_by_file ON runs (file) WHERE file IS NOT NULL;\n"
    "CREATE INDEX runs_open ON runs (id) WHERE state <> 'ended' OR instance IS NOT NULL;\n"
    "CREATE INDEX runs_kept ON runs (ended_at, id, output_bytes)\n"
    "  WHERE state = 'ended' AND instance IS NULL;\n"
    "CREATE TABLE run_labels (\n"
    "  key TEXT NOT NULL,\n"
    "  value TEXT NOT NULL,\n"
    "  run INTEGER NOT NULL,\n"
    "  PRIMARY KEY (key, value, run)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TRIGGER labels_of_new_run AFTER INSERT ON runs WHEN new.labels <> '{}' BEGIN\n"
    "  INSERT INTO run_labels SELECT key, value, new.id FROM json_each(new.labels);\n"
    "END;\n"
    "CREATE TRIGGER labels_of_old_run AFTER DELETE ON runs WHEN old.labels <> '{}' BEGIN\n"
    "  DELETE FROM run_labels\n"
    "  WHERE run = old.id AND (key, value) IN (SELECT key, value FROM json_each(old.labels));\n"
    "END;\n"
    "ALTER TABLE files ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 1;\n"
    "CREATE INDEX files_not_kept ON files (sha256) WHERE is_kept = 0;\n"
    "PRAGMA user_version = 2;\n";

/* AUTOINCREMENT: an id that was deleted does not come again. Whoever filters looks at a stretch of ids at a
 * time, so an event costs no index. */
static const char events_schema[] = "CREATE TABLE events (\n"
				    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
				    "  time INTEGER NOT NULL,\n"
				    "  type TEXT NOT NULL,\n"
				    "  actor TEXT,\n"
				    "  instance TEXT,\n"
				    "  run TEXT,\n"
				    "  data TEXT NOT NULL\n"
				    ") STRICT;\n"
				    "PRAGMA user_version = 3;\n";

/*
 * The labels of runs know what lists are filtered by as well: a label and a target, say, are looked for in
 * one range of one table. runs_kept_sum is one row with what runs_sum_kept tells, kept by triggers: however
 * many there are, they need not be counted.
 */
static const char runs_sums_schema[] =
    "DROP TRIGGER labels_of_new_run;\n"
    "DROP TABLE run_labels;\n"
    "CREATE TABLE run_labels (\n"
    "  key TEXT NOT NULL,\n"
    "  value TEXT NOT NULL,\n"
    "  run INTEGER NOT NULL,\n"
    "  run_target TEXT NOT NULL,\n"
    "  run_state TEXT NOT NULL,\n"
    "  run_verdict TEXT,\n"
    "  PRIMARY KEY (key, value, run)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "INSERT INTO run_labels SELECT key, value, runs.id, target, state, verdict\n"
    "  FROM runs, json_each(labels);\n"
    "CREATE TRIGGER labels_of_new_run AFTER INSERT ON runs WHEN new.labels <> '{}' BEGIN\n"
    "  INSERT INTO run_labels SELECT key, value, new.id, new.target, new.state, new.verdict\n"
    "  FROM json_each(new.labels);\n"
    "END;\n"
    "CREATE TRIGGER labels_of_changed_run AFTER UPDATE ON runs\n"
    "WHEN new.labels <> '{}' AND (new.state IS NOT old.state OR new.verdict IS NOT old.verdict) BEGIN\n"
    "  UPDATE run_labels SET run_state = new.state, run_verdict = new.verdict\n"
    "  WHERE run = new.id AND (key, value) IN (SELECT key, value FROM json_each(new.labels));\n"
    "END;\n"
    "CREATE TABLE runs_kept_sum (count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;\n"
    "INSERT INTO runs_kept_sum SELECT count(*), coalesce(sum(output_bytes), 0) FROM runs\n"
    "  WHERE state = 'ended' AND instance IS NULL;\n"
    "CREATE TRIGGER sum_of_new_run AFTER INSERT ON runs\n"
    "WHEN new.state = 'ended' AND new.instance IS NULL BEGIN\n"
    "  UPDATE runs_kept_sum SET count = count + 1, bytes = bytes + new.output_bytes;\n"
    "END;\n"
    "CREATE TRIGGER sum_of_old_run AFTER DELETE ON runs\n"
    "WHEN old.state = 'ended' AND old.instance IS NULL BEGIN\n"
    "  UPDATE runs_kept_sum SET count = count - 1, bytes = bytes - old.output_bytes;\n"
    "END;\n"
    "CREATE TRIGGER sum_with_changed_run AFTER UPDATE ON runs\n"
    "WHEN new.state = 'ended' AND new.instance IS NULL BEGIN\n"
    "  UPDATE runs_kept_sum SET count = count + 1, bytes = bytes + new.output_bytes;\n"
    "END;\n"
    "CREATE TRIGGER sum_without_changed_run AFTER UPDATE ON runs\n"
    "WHEN old.state = 'ended' AND old.instance IS NULL BEGIN\n"
    "  UPDATE runs_kept_sum SET count = count - 1, bytes = bytes - old.output_bytes;\n"
    "END;\n"
    "PRAGMA user_version = 4;\n";

const struct migration store_migrations[] = {
    {"instances, files, sessions", first_schema},   {"runs", runs_schema}, {"events", events_schema},
    {"runs by label, their sum", runs_sums_schema}, {NULL, NULL},
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
