#pragma once

/*
 * Every instance emud knows: boards by id, in memory, each backed by its row in the store, its state
 * directory, and a link to its shim while one lives.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/config/config.h"
#include "core/loop/loop.h"
#include "server/store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fleet;
struct board;

/* The firmware a client named, opened and checked. */
struct fleet_firmware {
	int fd;       /* -1: none; the receiver's */
	json_t *file; /* as the API tells it; new reference, or NULL */
	char *sha256; /* of an uploaded file, else NULL; the receiver's */
};

/* What has become of a board. All borrowed. */
struct fleet_change {
	enum fleet_change_kind { FLEET_CREATED, FLEET_STATE, FLEET_DELETED } kind;
	const struct board *board; /* deleted: about to go */
	const char *actor;         /* who asked for it; NULL: it came by itself */
	const char *previous;      /* FLEET_STATE: the state before */
};

struct fleet_options {
	struct loop *loop;
	struct log *log;
	struct store *store;
	const char *state_dir; /* absolute */
	const char *shim_program;
	bool raw_channels;
	bool bundled; /* the bundled targets are served: processes run in the state directory */
	/* Checks that the target as resolved can be started here, opens what `file` names (NULL or JSON null:
	 * nothing, fd stays -1) and checks that it fits. 0 or a negative errno with error set. */
	int (*open_firmware)(const json_t *file, const json_t *resolved, struct fleet_firmware *ret_firmware,
			     struct error *error, void *data);
	/* Whether one that runs already can be taken over. */
	bool (*can_adopt)(const char *emulator);
	/* Optional. A board is there, has another state or start, or is gone. Comes from the middle of what
	 * is being done to it: nothing may be asked of any board, nor the fleet be counted, before the next
	 * turn of the loop. */
	void (*on_change)(const struct fleet_change *change, void *data);
	void *data;
};

struct fleet *fleet_create(const struct fleet_options *options, struct config *config, struct error *error);
void fleet_destroy(struct fleet *fleet); /* links are closed, boards run on */

/* From now on this configuration (its own reference). Running boards keep what they were started with. */
int fleet_set_config(struct fleet *fleet, struct config *config, struct error *error);
struct config *fleet_config(const struct fleet *fleet); /* borrowed */

/* Finds every instance again from store and state directories. on_ready fires once, from the loop, when each
 * living shim has told its state, or after FLEET_RECOVERY_MS. */
enum { FLEET_RECOVERY_MS = 3000 };
int fleet_recover(struct fleet *fleet, void (*on_ready)(void *data), void *data, struct error *error);

struct board *fleet_find(struct fleet *fleet, const char *id); /* NULL: none */
size_t fleet_count(const struct fleet *fleet);
size_t fleet_count_live(const struct fleet *fleet); /* starting, running, paused, stopping */
/* By id, beginning behind `after` (NULL: from the first), until on_board returns false. */
void fleet_each(struct fleet *fleet, const char *after, bool (*on_board)(struct board *board, void *data),
		void *data);

/* What a client asked for a new instance; all borrowed. */
struct board_request {
	const char *id;   /* NULL: one is made up */
	const char *path; /* NULL: below the state directory */
	const char *root; /* path is made and stays beneath it; NULL: "/" */
	const json_t
	    *spec; /* {"target","emulator"?,"file"?,"args","paused","debug","labels"} checked by the caller */
	const char *actor; /* who asks for it; NULL: nobody */
	const json_t
	    *resolved; /* its target as config_resolve makes it; NULL: as the configuration has it now */
};

/* Makes the instance (row, state directory, config.json), stopped. Whatever fails leaves nothing behind.
 * Codes: id_taken, path_not_allowed, conflict, too_many_instances, unknown_target, unknown_emulator, ... */
struct board *fleet_make_board(struct fleet *fleet, const struct board_request *request, struct error *error);

/* Stops every board; on_done when the last has ended. */
void fleet_stop_all(struct fleet *fleet, void (*on_done)(void *data), void *data);
