#pragma once

/* The runs: what was asked of each, how far it has come, what came of it. */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Strings are the row's own. Those marked "or NULL" may be missing, all others must be there. */
struct run_row {
	int64_t id;    /* counts up from 1 and is never used again */
	char *state;   /* "queued", "running", "ended" */
	char *verdict; /* or NULL: it has not ended */
	char *target;  /* fixed */
	char *labels;  /* a JSON object of strings; fixed */
	char *client;  /* whose it is: the queue is fair by it; fixed */
	char *spec;    /* what was asked, resolved, as JSON text; fixed */
	char *file;    /* SHA-256 (hex) of the uploaded firmware, or NULL; fixed */
	bool is_detached;
	char *instance;        /* the id of its board, while there is one, or NULL */
	char *progress;        /* JSON text, or NULL */
	char *result;          /* JSON text, or NULL: it has not ended */
	char *tests;           /* the test cases as JSON text, or NULL */
	int64_t output_bytes;  /* kept of it on disk */
	int64_t created_at_ms; /* fixed */
	int64_t started_at_ms; /* 0: not yet */
	int64_t ended_at_ms;   /* 0: not yet */
};

void run_row_finish(struct run_row *row);
#define cleanup_run_row cleanup(run_row_finish)

/* Gives row->id. -ENOENT with "file_not_found" when the row names an uploaded file that is not there. */
int runs_insert(struct store *store, struct run_row *row, struct error *error);

/* Writes what is not fixed. -ENOENT with code "not_found". */
int runs_update(struct store *store, const struct run_row *row, struct error *error);

/* -ENOENT with code "not_found". Finish ret_row. */
int runs_get(struct store *store, int64_t id, struct run_row *ret_row, struct error *error);

/* -ENOENT with code "not_found". */
int runs_delete(struct store *store, int64_t id, struct error *error);

/* Which runs: NULL members ask for nothing. */
struct runs_filter {
	const char *state;
	const char *verdict;
	const char *target;
	const char *label_key; /* both or none */
	const char *label_value;
	int64_t before; /* the cursor: the last id of the page before; 0: from the newest */
	int64_t limit;  /* 0: all */
};

/* Newest first; on_row and ret_has_more as with instances_list. The tests are not read (NULL). */
int runs_list(struct store *store, const struct runs_filter *filter,
	      int (*on_row)(struct run_row *row, void *data), void *data, bool *ret_has_more,
	      struct error *error);

/* Those that have not ended, or whose instance is not cleared away yet, oldest first. Likewise. */
int runs_list_open(struct store *store, int (*on_row)(struct run_row *row, void *data), void *data,
		   struct error *error);

/* What is kept of ended runs without an instance: how many there are, how much they hold, and the oldest.
 * *ret_oldest 0: there is none. */
struct runs_kept {
	int64_t count, bytes;
	int64_t oldest;             /* its id */
	int64_t oldest_ended_at_ms; /* and when it ended */
};
int runs_sum_kept(struct store *store, struct runs_kept *ret_kept, struct error *error);
