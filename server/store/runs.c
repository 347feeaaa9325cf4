#include "server/store/runs.h"

#include "server/store/database.h"

#include <inttypes.h>

/* The columns in the order in which read_row takes them. The tests, which may be long, stand last in the
 * table, too: SQLite reads no further than it is asked. */
#define LISTED \
	"id, state, verdict, target, labels, client, spec, file, instance, progress, result, is_detached," \
	" output_bytes, created_at, started_at, ended_at"
#define COLUMNS LISTED ", tests"

void run_row_finish(struct run_row *row)
{
	free(row->state);
	free(row->verdict);
	free(row->target);
	free(row->labels);
	free(row->client);
	free(row->spec);
	free(row->file);
	free(row->instance);
	free(row->progress);
	free(row->result);
	free(row->tests);
	*row = (struct run_row){0};
}

static int read_row(struct query *query, struct run_row *row, struct error *error)
{
	char **const texts[] = {&row->state, &row->verdict, &row->target,   &row->labels,   &row->client,
				&row->spec,  &row->file,    &row->instance, &row->progress, &row->result};
	int column = 0;
	row->id = sqlite3_column_int64(query->statement, column++);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (query_take_text(query, column++, texts[i]))
			return error_set(error, -ENOMEM, NULL, "no memory for a run's row");
	row->is_detached = sqlite3_column_int(query->statement, column++);
	row->output_bytes = sqlite3_column_int64(query->statement, column++);
	row->created_at_ms = sqlite3_column_int64(query->statement, column++);
	row->started_at_ms = sqlite3_column_int64(query->statement, column++);
	row->ended_at_ms = sqlite3_column_int64(query->statement, column++);
	/* A list has no such column. */
	if (column < sqlite3_column_count(query->statement) && query_take_text(query, column, &row->tests))
		return error_set(error, -ENOMEM, NULL, "no memory for a run's tests");
	return 0;
}

/* What runs_update writes, in this order. */
static void bind_changeable(struct query *query, const struct run_row *row)
{
	query_bind_text(query, row->state);
	query_bind_text(query, row->verdict);
	query_bind_integer(query, row->is_detached);
	query_bind_text(query, row->instance);
	query_bind_text(query, row->progress);
	query_bind_text(query, row->result);
	query_bind_text(query, row->tests);
	query_bind_integer(query, row->output_bytes);
	query_bind_time(query, row->started_at_ms);
	query_bind_time(query, row->ended_at_ms);
}

static int not_found(int64_t id, struct error *error)
{
	return error_set(error, -ENOENT, "not_found", "there is no run %" PRId64, id);
}

int runs_insert(struct store *store, struct run_row *row, struct error *error)
{
	static const char sql[] =
	    "INSERT INTO runs (state, verdict, is_detached, instance, progress, result, tests, output_bytes,"
	    " started_at, ended_at, target, labels, client, spec, file, created_at)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	cleanup_query struct query query = query_begin(store, sql);
	bind_changeable(&query, row);
	query_bind_text(&query, row->target);
	query_bind_text(&query, row->labels);
	query_bind_text(&query, row->client);
	query_bind_text(&query, row->spec);
	query_bind_text(&query, row->file);
	query_bind_integer(&query, row->created_at_ms);
	int number = query_run(&query, "the run cannot be stored", NULL, error);
	if (query.result == SQLITE_CONSTRAINT_FOREIGNKEY)
		return error_set(error, -ENOENT, "file_not_found", "no file with the SHA-256 %s was uploaded",
				 row->file);
	if (!number)
		row->id = sqlite3_last_insert_rowid(store->db);
	return number;
}

int runs_update(struct store *store, const struct run_row *row, struct error *error)
{
	static const char sql[] =
	    "UPDATE runs SET state = ?, verdict = ?, is_detached = ?, instance = ?, progress = ?, result = ?,"
	    " tests = ?, output_bytes = ?, started_at = ?, ended_at = ? WHERE id = ?";
	cleanup_query struct query query = query_begin(store, sql);
	bind_changeable(&query, row);
	query_bind_integer(&query, row->id);
	int changes = 0;
	int number = query_run(&query, "the run cannot be stored", &changes, error);
	if (number)
		return number;
	return changes ? 0 : not_found(row->id, error);
}

int runs_get(struct store *store, int64_t id, struct run_row *ret_row, struct error *error)
{
	static const char sql[] = "SELECT " COLUMNS " FROM runs WHERE id = ?";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_integer(&query, id);
	int number = query_step(&query, "the run cannot be read", error);
	if (number <= 0)
		return number ? number : not_found(id, error);
	struct run_row row = {0};
	number = read_row(&query, &row, error);
	if (number)
		run_row_finish(&row);
	else
		*ret_row = row;
	return number;
}

int runs_delete(struct store *store, int64_t id, struct error *error)
{
	cleanup_query struct query query = query_begin(store, "DELETE FROM runs WHERE id = ?");
	query_bind_integer(&query, id);
	int changes = 0;
	int number = query_run(&query, "the run cannot be deleted", &changes, error);
	if (number)
		return number;
	return changes ? 0 : not_found(id, error);
}

/*
 * A statement for each set of filters, so that each has an index in whose order it reads. A state says little
 * where there is a verdict, and most runs have ended: the + keeps its index out of that choice. The table of
 * labels knows all of them itself.
 */
#define ALL(conditions) "SELECT " LISTED " FROM runs WHERE id < ?" conditions " ORDER BY id DESC LIMIT ?"
#define LABELLED(conditions) \
	"SELECT " LISTED " FROM run_labels JOIN runs ON id = run" \
	" WHERE run < ? AND key = ? AND value = ?" conditions " ORDER BY run DESC LIMIT ?"
#define EVERY_SET_OF(list, column) \
	{ \
		list(""), list(" AND " column "target = ?"), list(" AND " column "state = ?"), \
		    list(" AND " column "target = ? AND " column "state = ?"), \
		    list(" AND " column "verdict = ?"), \
		    list(" AND " column "target = ? AND " column "verdict = ?"), \
		    list(" AND +" column "state = ? AND " column "verdict = ?"), \
		    list(" AND " column "target = ? AND +" column "state = ? AND " column "verdict = ?") \
	}

static struct query begin_list(struct store *store, const struct runs_filter *filter)
{
	static const char *const lists[2][8] = {EVERY_SET_OF(ALL, ""), EVERY_SET_OF(LABELLED, "run_")};
	int set = (filter->target ? 1 : 0) + (filter->state ? 2 : 0) + (filter->verdict ? 4 : 0);
	struct query query = query_begin(store, lists[filter->label_key ? 1 : 0][set]);
	query_bind_integer(&query, filter->before ? filter->before : INT64_MAX);
	const char *const texts[] = {filter->label_key, filter->label_value, filter->target, filter->state,
				     filter->verdict};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i])
			query_bind_text(&query, texts[i]);
	/* One more than asked for tells whether there are more; a negative limit is none. */
	query_bind_integer(&query, filter->limit ? filter->limit + 1 : -1);
	return query;
}

static int list(struct query *query, int64_t limit, int (*on_row)(struct run_row *row, void *data),
		void *data, bool *ret_has_more, struct error *error)
{
	bool has_more = false;
	int64_t count = 0;
	int number;
	while ((number = query_step(query, "the runs cannot be listed", error)) > 0) {
		has_more = limit && count++ == limit;
		if (has_more)
			break;
		cleanup_run_row struct run_row row = {0};
		number = read_row(query, &row, error);
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

int runs_list(struct store *store, const struct runs_filter *filter,
	      int (*on_row)(struct run_row *row, void *data), void *data, bool *ret_has_more,
	      struct error *error)
{
	cleanup_query struct query query = begin_list(store, filter);
	return list(&query, filter->limit, on_row, data, ret_has_more, error);
}

int runs_list_open(struct store *store, int (*on_row)(struct run_row *row, void *data), void *data,
		   struct error *error)
{
	static const char sql[] = "SELECT " COLUMNS " FROM runs INDEXED BY runs_open"
				  " WHERE state <> 'ended' OR instance IS NOT NULL ORDER BY id";
	cleanup_query struct query query = query_begin(store, sql);
	return list(&query, 0, on_row, data, NULL, error);
}

int runs_sum_kept(struct store *store, struct runs_kept *ret_kept, struct error *error)
{
	static const char sum[] = "SELECT count, bytes FROM runs_kept_sum";
	static const char oldest[] = "SELECT id, ended_at FROM runs INDEXED BY runs_kept"
				     " WHERE state = 'ended' AND instance IS NULL"
				     " ORDER BY ended_at, id LIMIT 1";
	struct runs_kept kept = {0};
	cleanup_query struct query sum_query = query_begin(store, sum);
	int number = query_step(&sum_query, "the runs cannot be counted", error);
	if (number < 0)
		return number;
	kept.count = sqlite3_column_int64(sum_query.statement, 0);
	kept.bytes = sqlite3_column_int64(sum_query.statement, 1);
	cleanup_query struct query oldest_query = query_begin(store, oldest);
	number = query_step(&oldest_query, "the oldest run cannot be found", error);
	if (number < 0)
		return number;
	if (number) {
		kept.oldest = sqlite3_column_int64(oldest_query.statement, 0);
		kept.oldest_ended_at_ms = sqlite3_column_int64(oldest_query.statement, 1);
	}
	*ret_kept = kept;
	return 0;
}
