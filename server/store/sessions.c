#include "server/store/sessions.h"

#include "server/store/database.h"

#include <string.h>

void session_row_finish(struct session_row *row)
{
	free(row->token_name);
	*row = (struct session_row){0};
}

int sessions_insert(struct store *store, const struct session_row *row, struct error *error)
{
	static const char sql[] =
	    "INSERT INTO sessions (digest, token_digest, token_name, created_at, expires_at)"
	    " VALUES (?, ?, ?, ?, ?)";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_bytes(&query, row->digest, sizeof(row->digest));
	query_bind_bytes(&query, row->token_digest, sizeof(row->token_digest));
	query_bind_text(&query, row->token_name);
	query_bind_integer(&query, row->created_at_ms);
	query_bind_integer(&query, row->expires_at_ms);
	return query_run(&query, "the session cannot be stored", NULL, error);
}

int sessions_get(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES], int64_t now_ms,
		 struct session_row *ret_row, struct error *error)
{
	static const char sql[] = "SELECT token_name, token_digest, created_at, expires_at FROM sessions"
				  " WHERE digest = ? AND expires_at > ? AND length(token_digest) = 32";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_bytes(&query, digest, SESSION_DIGEST_BYTES);
	query_bind_integer(&query, now_ms);
	int number = query_step(&query, "the session cannot be read", error);
	if (number < 0)
		return number;
	if (number == 0)
		return error_set(error, -ENOENT, "unauthorized", "the session has ended: sign in again");
	struct session_row row = {.created_at_ms = sqlite3_column_int64(query.statement, 2),
				  .expires_at_ms = sqlite3_column_int64(query.statement, 3)};
	const void *token_digest = sqlite3_column_blob(query.statement, 1);
	if (!token_digest || query_take_text(&query, 0, &row.token_name))
		return error_set(error, -ENOMEM, NULL, "no memory for a session");
	memcpy(row.digest, digest, sizeof(row.digest));
	memcpy(row.token_digest, token_digest, sizeof(row.token_digest));
	*ret_row = row;
	return 0;
}

int sessions_extend(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES],
		    int64_t expires_at_ms, struct error *error)
{
	cleanup_query struct query query =
	    query_begin(store, "UPDATE sessions SET expires_at = ? WHERE digest = ?");
	query_bind_integer(&query, expires_at_ms);
	query_bind_bytes(&query, digest, SESSION_DIGEST_BYTES);
	return query_run(&query, "the session cannot be extended", NULL, error);
}

int sessions_delete(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES],
		    struct error *error)
{
	cleanup_query struct query query = query_begin(store, "DELETE FROM sessions WHERE digest = ?");
	query_bind_bytes(&query, digest, SESSION_DIGEST_BYTES);
	return query_run(&query, "the session cannot be ended", NULL, error);
}

int sessions_purge(struct store *store, int64_t now_ms, struct error *error)
{
	cleanup_query struct query query = query_begin(store, "DELETE FROM sessions WHERE expires_at <= ?");
	query_bind_integer(&query, now_ms);
	return query_run(&query, "old sessions cannot be removed", NULL, error);
}
