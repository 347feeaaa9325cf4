#pragma once

/* What has happened, in the order of it. */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdint.h>

/* Strings are borrowed, those from the store until on_row returns. */
struct event_row {
	int64_t id; /* counts up from 1 without gaps and is never used again */
	int64_t time_ms;
	const char *type;
	const char *actor;    /* or NULL */
	const char *instance; /* or NULL */
	const char *run;      /* or NULL */
	const char *data;     /* a JSON object as text */
};

/* ret_id may be NULL. */
int events_insert(struct store *store, const struct event_row *row, int64_t *ret_id, struct error *error);

enum events_order { EVENTS_OLDEST_FIRST, EVENTS_NEWEST_FIRST };

/* Calls on_row for those behind the id `from` (above it where the oldest come first, else below), for `limit`
 * of them at most. on_row as with instances_list. */
int events_list(struct store *store, enum events_order order, int64_t from, int64_t limit,
		int (*on_row)(const struct event_row *row, void *data), void *data, struct error *error);

/* Which are kept: those from first_id to last_id. Where none is, first_id is the next one's, and last_id one
 * less. */
struct events_kept {
	int64_t first_id, last_id;
	int64_t first_time_ms; /* of the first; INT64_MAX: there is none */
};
int events_find_kept(struct store *store, struct events_kept *ret_kept, struct error *error);

/* Of the first `limit` that are kept, deletes those up to the id `up_to` or from before before_ms, unless one
 * that is neither comes first: what is left has no gaps. */
int events_purge(struct store *store, int64_t up_to, int64_t before_ms, int64_t limit, struct error *error);
