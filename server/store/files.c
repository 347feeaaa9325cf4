#include "server/store/files.h"

#include "server/store/database.h"

/* The columns in the order in which read_row takes them and insert binds them. */
#define COLUMNS "sha256, name, kind, machine, size, entry, created_at, is_kept"

void file_row_finish(struct file_row *row)
{
	free(row->sha256);
	free(row->name);
	free(row->kind);
	free(row->machine);
	*row = (struct file_row){0};
}

static int read_row(struct query *query, struct file_row *row, struct error *error)
{
	char **const texts[] = {&row->sha256, &row->name, &row->kind, &row->machine};
	int column = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (query_take_text(query, column++, texts[i]))
			return error_set(error, -ENOMEM, NULL, "no memory for a file's row");
	row->size_bytes = sqlite3_column_int64(query->statement, column++);
	row->has_entry = sqlite3_column_type(query->statement, column) != SQLITE_NULL;
	row->entry = (uint64_t) sqlite3_column_int64(query->statement, column++);
	row->created_at_ms = sqlite3_column_int64(query->statement, column++);
	row->is_kept = sqlite3_column_int(query->statement, column++);
	return 0;
}

int files_insert(struct store *store, const struct file_row *row, bool *ret_is_new, struct error *error)
{
	static const char sql[] =
	    "INSERT INTO files (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_text(&query, row->sha256);
	query_bind_text(&query, row->name);
	query_bind_text(&query, row->kind);
	query_bind_text(&query, row->machine);
	query_bind_integer(&query, row->size_bytes);
	if (row->has_entry)
		query_bind_integer(&query, (int64_t) row->entry);
	else
		query_bind_null(&query);
	query_bind_integer(&query, row->created_at_ms);
	query_bind_integer(&query, row->is_kept);
	int changes = 0;
	int number = query_run(&query, "the file cannot be stored", &changes, error);
	if (!number && ret_is_new)
		*ret_is_new = changes > 0;
	return number;
}

static int not_found(const char *sha256, struct error *error)
{
	return error_set(error, -ENOENT, "not_found", "no file with the SHA-256 %s was uploaded", sha256);
}

int files_get(struct store *store, const char *sha256, struct file_row *ret_row, struct error *error)
{
	static const char sql[] = "SELECT " COLUMNS " FROM files WHERE sha256 = ?";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_text(&query, sha256);
	int number = query_step(&query, "the file's row cannot be read", error);
	if (number <= 0)
		return number ? number : not_found(sha256, error);
	struct file_row row = {0};
	number = read_row(&query, &row, error);
	if (number)
		file_row_finish(&row);
	else
		*ret_row = row;
	return number;
}

int files_keep(struct store *store, const char *sha256, struct error *error)
{
	cleanup_query struct query query =
	    query_begin(store, "UPDATE files SET is_kept = 1 WHERE sha256 = ?");
	query_bind_text(&query, sha256);
	int changes = 0;
	int number = query_run(&query, "the file cannot be kept", &changes, error);
	if (number)
		return number;
	return changes ? 0 : not_found(sha256, error);
}

/* The statement answers how many there are and the names of a few; none: *ret_names stays NULL. */
static int find_users(struct store *store, const char *sql, const char *sha256, int64_t *ret_count,
		      char **ret_names, struct error *error)
{
	static const char what[] = "who uses the file cannot be told";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_text(&query, sha256);
	int number = query_step(&query, what, error);
	if (number < 0)
		return number;
	*ret_count = sqlite3_column_int64(query.statement, 0);
	if (query_take_text(&query, 1, ret_names))
		return error_set(error, -ENOMEM, NULL, "%s: no memory", what);
	return 0;
}

static int in_use(struct store *store, const char *sha256, struct error *error)
{
	/* The boards of runs go with those. */
	static const char instances_sql[] =
	    "WITH users AS (SELECT id FROM instances WHERE file = ?1"
	    "  AND id NOT IN (SELECT instance FROM labels WHERE key = 'emud.run'))"
	    " SELECT count(*), (SELECT group_concat(id, ', ') FROM"
	    " (SELECT id FROM users ORDER BY id LIMIT 3)) FROM users";
	static const char runs_sql[] =
	    "SELECT count(*), (SELECT group_concat(id, ', ') FROM"
	    " (SELECT id FROM runs WHERE file = ?1 ORDER BY id DESC LIMIT 3)) FROM runs WHERE file = ?1";
	cleanup_free char *instances = NULL, *runs = NULL;
	int64_t count = 0;
	int number = find_users(store, instances_sql, sha256, &count, &instances, error);
	if (!number && instances)
		return error_set(error, -EBUSY, "file_in_use", "the file is that of %s %s%s: delete %s first",
				 count == 1 ? "instance" : "instances", instances,
				 count > 3 ? " and others" : "", count == 1 ? "that" : "those");
	if (!number)
		number = find_users(store, runs_sql, sha256, &count, &runs, error);
	if (number)
		return number;
	return error_set(
	    error, -EBUSY, "file_in_use",
	    "the file is that of %s %s%s: it can be deleted when %s no longer kept (limits.kept_runs)",
	    count == 1 ? "run" : "runs", runs ? runs : "", count > 3 ? " and others" : "",
	    count == 1 ? "that is" : "they are");
}

int files_delete(struct store *store, const char *sha256, struct error *error)
{
	cleanup_query struct query query = query_begin(store, "DELETE FROM files WHERE sha256 = ?");
	query_bind_text(&query, sha256);
	int changes = 0;
	int number = query_run(&query, "the file cannot be deleted", &changes, error);
	if (query.result == SQLITE_CONSTRAINT_FOREIGNKEY)
		return in_use(store, sha256, error);
	if (number)
		return number;
	return changes ? 0 : not_found(sha256, error);
}

int files_release(struct store *store, const char *sha256, bool *ret_is_gone, struct error *error)
{
	static const char sql[] = "DELETE FROM files WHERE sha256 = ?1 AND is_kept = 0"
				  " AND NOT EXISTS (SELECT 1 FROM runs WHERE file = ?1)"
				  " AND NOT EXISTS (SELECT 1 FROM instances WHERE file = ?1)";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_text(&query, sha256);
	int changes = 0;
	int number = query_run(&query, "the file cannot be deleted", &changes, error);
	if (number)
		return number;
	*ret_is_gone = changes > 0;
	return 0;
}

static struct query begin_list(struct store *store, const struct files_page *page)
{
	static const char sql[] =
	    "SELECT " COLUMNS " FROM files WHERE (name, sha256) > (?, ?) ORDER BY name, sha256 LIMIT ?";
	struct query query = query_begin(store, sql);
	query_bind_text(&query, page->after_name ? page->after_name : "");
	query_bind_text(&query, page->after_sha256 ? page->after_sha256 : "");
	/* One more than asked for tells whether there are more; a negative limit is none. */
	query_bind_integer(&query, page->limit ? page->limit + 1 : -1);
	return query;
}

int files_list(struct store *store, const struct files_page *page,
	       int (*on_row)(struct file_row *row, void *data), void *data, bool *ret_has_more,
	       struct error *error)
{
	cleanup_query struct query query = begin_list(store, page);
	bool has_more = false;
	int64_t count = 0;
	int number;
	while ((number = query_step(&query, "the files cannot be listed", error)) > 0) {
		has_more = page->limit && count++ == page->limit;
		if (has_more)
			break;
		cleanup_file_row struct file_row row = {0};
		number = read_row(&query, &row, error);
		if (number)
			return number;
		if (on_row(&row, data))
			break;
	}
	if (number < 0)
		return number;
	if (ret_has_more)
		*ret_has_more = has_more;
	return 0;
}
