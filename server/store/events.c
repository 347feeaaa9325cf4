#include "server/store/events.h"

#include "server/store/database.h"

int events_insert(struct store *store, const struct event_row *row, int64_t *ret_id, struct error *error)
{
	cleanup_query struct query query = query_begin(
	    store, "INSERT INTO events (time, type, actor, instance, run, data) VALUES (?, ?, ?, ?, ?, ?)");
	query_bind_integer(&query, row->time_ms);
	query_bind_text(&query, row->type);
	query_bind_text(&query, row->actor);
	query_bind_text(&query, row->instance);
	query_bind_text(&query, row->run);
	query_bind_text(&query, row->data);
	int number = query_run(&query, "the event cannot be stored", NULL, error);
	if (!number && ret_id)
		*ret_id = sqlite3_last_insert_rowid(store->db);
	return number;
}

static const char *text_of(const struct query *query, int column)
{
	return (const char *) sqlite3_column_text(query->statement, column);
}

int events_list(struct store *store, enum events_order order, int64_t from, int64_t limit,
		int (*on_row)(const struct event_row *row, void *data), void *data, struct error *error)
{
	static const char *const statements[] = {
	    [EVENTS_OLDEST_FIRST] =
		"SELECT id, time, type, actor, instance, run, data FROM events WHERE id > ?"
		" ORDER BY id LIMIT ?",
	    [EVENTS_NEWEST_FIRST] =
		"SELECT id, time, type, actor, instance, run, data FROM events WHERE id < ?"
		" ORDER BY id DESC LIMIT ?",
	};
	cleanup_query struct query query = query_begin(store, statements[order]);
	query_bind_integer(&query, from);
	query_bind_integer(&query, limit);
	int number;
	while ((number = query_step(&query, "the events cannot be listed", error)) > 0) {
		const struct event_row row = {
		    .id = sqlite3_column_int64(query.statement, 0),
		    .time_ms = sqlite3_column_int64(query.statement, 1),
		    .type = text_of(&query, 2),
		    .actor = text_of(&query, 3),
		    .instance = text_of(&query, 4),
		    .run = text_of(&query, 5),
		    .data = text_of(&query, 6),
		};
		if (!row.type || !row.data)
			return error_set(error, -ENOMEM, NULL, "no memory for an event's row");
		if (on_row(&row, data))
			break;
	}
	return number < 0 ? number : 0;
}

int events_find_kept(struct store *store, struct events_kept *ret_kept, struct error *error)
{
	cleanup_query struct query query = query_begin(
	    store, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), min(id),"
		   " (SELECT time FROM events ORDER BY id LIMIT 1) FROM events");
	int number = query_step(&query, "the events cannot be counted", error);
	if (number < 0)
		return number;
	struct events_kept kept = {.last_id = sqlite3_column_int64(query.statement, 0)};
	bool has_any = sqlite3_column_type(query.statement, 1) != SQLITE_NULL;
	kept.first_id = has_any ? sqlite3_column_int64(query.statement, 1) : kept.last_id + 1;
	kept.first_time_ms = has_any ? sqlite3_column_int64(query.statement, 2) : INT64_MAX;
	*ret_kept = kept;
	return 0;
}

int events_purge(struct store *store, int64_t up_to, int64_t before_ms, int64_t limit, struct error *error)
{
	cleanup_query struct query query =
	    query_begin(store, "WITH head AS (SELECT id, time FROM events ORDER BY id LIMIT ?3)"
			       " DELETE FROM events WHERE id < coalesce("
			       "(SELECT id FROM head WHERE id > ?1 AND time >= ?2 ORDER BY id LIMIT 1),"
			       "(SELECT max(id) + 1 FROM head))");
	query_bind_integer(&query, up_to);
	query_bind_integer(&query, before_ms);
	query_bind_integer(&query, limit);
	return query_run(&query, "old events cannot be removed", NULL, error);
}
