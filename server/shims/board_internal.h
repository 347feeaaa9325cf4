#pragma once

/* What the files of a board share: board.c (what is known, making), board_change.c (what has become of it),
 * board_start.c, board_end.c, board_recover.c. */

#include "server/shims/board.h"
#include "server/shims/fleet_internal.h"
#include "server/store/instances.h"

struct board {
	struct fleet *fleet;
	struct instance_row row;
	json_t *asked;         /* what the client asked: never changes */
	json_t *spec, *labels; /* the same with the file and args in force */
	json_t *resolved;      /* its target as its latest start had it; NULL: none */
	json_t *status;        /* of the current start, as its shim told it last; NULL: none */
	int dirfd;
	struct shim_link *link;
	char *cookie;             /* of the current start */
	struct shim_handle ready; /* an emulator that was prestarted for the first start; order_fd -1: none */
	struct board_waits *waits;
	struct board_sweep *sweep;        /* under way, or NULL */
	struct loop_timer *stop_deadline; /* of a stop, after which its shim hangs */
	struct loop_timer *retry;         /* of a recovery that was short of something */
	int64_t stop_asked_ms;            /* when the current start was asked to stop; 0: was not */
	bool settled;                     /* its state is known to be true */
	struct shared_text *text;         /* board_to_text's, until something changes; NULL: none */

	char *actor;         /* who asked for what is under way; NULL: nobody */
	char *worker;        /* who has gdb at work on it; NULL: nobody */
	char *told_state;    /* what was last told of it, to tell changes only */
	int64_t told_number; /* likewise: of its start */

	bool restarting;
	json_t
	    *next; /* {"file"?,"args"?,"paused"?}: what the next start is to have of its own; NULL: nothing */

	bool deleting;
	void (*on_deleted)(const struct error *error, void *data);
	void *deleted_data;
};

bool board_is_in(const struct board *board, const char *state);
/* Whatever is under way was asked for by actor (NULL: nobody). */
void board_take_actor(struct board *board, const char *actor);

/* ---- changes ---- */

void board_set_state(struct board *board, const char *state);
void board_set_exit(struct board *board, const json_t *exit);
/* The row is written, the kept text forgotten. */
void board_save(struct board *board);
void board_forget_text(struct board *board);
/* Its state is logged, and told to whoever observes the fleet if it is another. */
void board_tell_state(struct board *board);
/* After every change: kept, logged, told to whoever waits. What a stop was made for goes on here: the board
 * may be gone afterwards. */
void board_changed(struct board *board);
/* The current start has ended; status is the shim's last word or its exit.json. The board may be gone
 * afterwards. */
void board_set_ended(struct board *board, json_t *status);
/* It ended without a word of its shim. Likewise. */
void board_set_lost(struct board *board, const char *reason, const char *detail);

/* ---- what its shim tells ---- */

extern const struct shim_link_events board_link_events;

/* ---- a shim that is gone or hangs ---- */

/* Its shim is not there any more: the exit record tells how it ended, or what it left is swept away and it is
 * lost. The board may be gone afterwards. */
void board_shim_gone(struct board *board);
/* Ends every process of the current start (its shim too), on the pool. on_swept: once, unless another call
 * puts its own in the place or the board is destroyed. */
void board_sweep_begin(struct board *board, void (*on_swept)(struct board *board));
void board_sweep_forget(struct board *board);
/* A shim that has not ended in time is killed. */
int board_watch_stop(struct board *board, struct error *error);
/* Asks the shim that is linked to stop, and watches that. */
int board_ask_stop(struct board *board, struct error *error);

/* ---- start and delete ---- */

/* Of an adopted one: there is nothing of ours to start. */
int board_refuse_start(const struct board *board, struct error *error);
void board_note_start(struct board *board, const struct board_start *start);
/* What was asked, the file and args in force, and what the next start is to have, put into the row. */
void board_keep_spec(struct board *board);
/* Starts with what the board and its next say. Nothing has changed where it fails before the shim. */
int board_begin_start(struct board *board, struct error *error);
/* Takes the ended board away, and tells who asked for it. */
void board_finish_delete(struct board *board);
