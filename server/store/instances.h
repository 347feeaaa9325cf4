#pragma once

/* The instances: what was asked of each, and what was last known of it. */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What was under way. A phase other than idle that is found at start says that emud died in the middle:
 * the start is looked at again, the start behind a stop follows it, the delete is finished. */
enum instance_phase { INSTANCE_IDLE, INSTANCE_STARTING, INSTANCE_RESTARTING, INSTANCE_DELETING };

/* Strings are the row's own. Those marked "or NULL" may be missing, all others must be there. */
struct instance_row {
	char *id;
	char *path; /* of the state directory; no two instances have the same */
	char *target;
	char *emulator;
	char *spec;    /* what the client asked, as JSON text, to compare a repeated PUT with */
	char *labels;  /* a JSON object of strings; fixed at insert */
	char *file;    /* SHA-256 (hex) of the uploaded file it uses, or NULL */
	char *state;   /* last known, by API.md's names */
	char *exit;    /* JSON text, or NULL */
	char *boot_id; /* of the host when it was last started, or NULL */
	enum instance_phase phase;
	int64_t start_number;
	int64_t created_at_ms;
	int64_t started_at_ms; /* 0: never */
	int64_t ended_at_ms;   /* 0: has not ended */
};

void instance_row_finish(struct instance_row *row);
#define cleanup_instance_row cleanup(instance_row_finish)

/* -EEXIST with code "id_taken" (the id) or "conflict" (the path); -ENOENT with "file_not_found" when the
 * row names an uploaded file that is not there. */
int instances_insert(struct store *store, const struct instance_row *row, struct error *error);

/* Writes everything but id, path, target, labels and created_at_ms, which never change. -ENOENT with code
 * "not_found" or "file_not_found". */
int instances_update(struct store *store, const struct instance_row *row, struct error *error);

/* -ENOENT with code "not_found". Finish ret_row. */
int instances_get(struct store *store, const char *id, struct instance_row *ret_row, struct error *error);

/* -ENOENT with code "not_found". */
int instances_delete(struct store *store, const char *id, struct error *error);

int instances_count(struct store *store, int64_t *ret_count, struct error *error);

/* Which instances: NULL members ask for nothing. */
struct instances_filter {
	const char *state;
	const char *target;
	const char *label_key; /* both or none */
	const char *label_value;
	const char *after; /* the cursor: the last id of the page before */
	int64_t limit;     /* 0: all */
};

/*
 * Calls on_row for each, by id. The row is finished after the call, which may TAKE strings out of it.
 * on_row returns 0 to go on, anything else to stop; it may call into the store, but not this function.
 * ret_has_more (may be NULL) says whether there are more behind the limit.
 */
int instances_list(struct store *store, const struct instances_filter *filter,
		   int (*on_row)(struct instance_row *row, void *data), void *data, bool *ret_has_more,
		   struct error *error);
