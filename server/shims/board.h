#pragma once

/* One instance as emud sees it. */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "server/shims/fleet.h"
#include "server/shims/shim_link.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct board_wait;
struct shared_text;

const char *board_id(const struct board *board);
const char *board_path(const struct board *board);
const char *board_state(const struct board *board); /* by API.md's names */
const char *board_target(const struct board *board);
const char *board_emulator(const struct board *board);
int64_t board_start_number(const struct board *board);
/* Since when it is in its state, where that is known; else 0. */
int64_t board_state_since_ms(const struct board *board);
const char *board_paused_by(const struct board *board); /* "user", "disk_full"; NULL: not paused */
const json_t *board_asked(
    const struct board *board); /* the spec as the client sent it, normalized; borrowed */
const json_t *board_spec(const struct board *board);         /* what was asked; borrowed */
const json_t *board_labels(const struct board *board);       /* borrowed */
const json_t *board_channels(const struct board *board);     /* name -> {...}; borrowed, may be NULL */
const json_t *board_processes(const struct board *board);    /* name -> {"pid"}; borrowed, may be NULL */
bool board_is_live(const struct board *board);               /* running or paused */
bool board_is_over(const struct board *board);               /* created, exited or failed */
bool board_is_adopted(const struct board *board);            /* its emulator is pw emu's */
const json_t *board_command_line(const struct board *board); /* of its emulator; borrowed, may be NULL */
json_t *board_exit(const struct board *board);               /* new reference; NULL: it has not ended */
int board_dirfd(const struct board *board);                  /* the state directory; -1: gone */

/* As the API tells it. New reference. */
json_t *board_to_json(const struct board *board);
/* The same as text, which is kept until the board changes: most who look find it as it was. Borrowed; NULL:
 * no memory. */
struct shared_text *board_to_text(struct board *board);

/* What its target is, resolved, as its latest start had it (else the configuration says). New reference; NULL
 * with error. */
json_t *board_resolve(struct board *board, struct error *error);

/* ---- operations: begun here, their outcome is seen by waiting ---- */

/* Each is told who asks for it (NULL: nobody): the changes that come of it bear the name, until the board has
 * come to rest. */

struct board_start {
	const json_t *file; /* NULL: the one of before */
	const json_t *args; /* NULL: those of before */
	int paused;         /* -1: as the instance was made; else 0 or 1 */
	const char *actor;
};

/* Codes: already_running, instance_busy, too_many_instances, and those of the firmware. */
int board_start(struct board *board, const struct board_start *start, struct error *error);
/* Ended already is success. */
int board_stop(struct board *board, const char *actor, struct error *error);
/* Stops, then starts; not_running on one that is not running. */
int board_restart(struct board *board, const struct board_start *start, struct error *error);
/* Stops if need be, then removes it; the board is gone when on_deleted fires (once, perhaps from within;
 * error NULL: done). */
int board_delete(struct board *board, const char *actor,
		 void (*on_deleted)(const struct error *error, void *data), void *data, struct error *error);

/* Who asked for the command under way, where it changes the state; NULL: it is done. */
void board_set_actor(struct board *board, const char *actor);

/* gdb is at work on the board, which it pauses and resumes as it needs: until board_end_work, changes that
 * nobody else asks for bear the name of who has it do so. False: somebody else's is at work. */
bool board_begin_work(struct board *board, const char *actor);
void board_end_work(struct board *board);

/* One command to the shim. NULL with error ("not_running", "instance_busy") where there is none to ask. */
struct shim_call *board_command(struct board *board, const char *command, const json_t *arguments,
				uint64_t timeout_ms, shim_done *on_done, void *data, struct error *error);

/* ---- waiting ---- */

enum board_wait_result { BOARD_WAIT_DONE, BOARD_WAIT_IMPOSSIBLE, BOARD_WAIT_TIMEOUT, BOARD_WAIT_DELETED };

/* What it has come to: asked at once (in the next turn) and after each change. */
enum board_progress { BOARD_PENDING, BOARD_REACHED, BOARD_UNREACHABLE };
typedef enum board_progress board_condition(const struct board *board, void *data);

/* on_result fires exactly once, never from within. board is NULL with BOARD_WAIT_DELETED. */
struct board_wait *board_wait_begin(struct board *board, board_condition *condition, uint64_t timeout_ms,
				    void (*on_result)(struct board *board, enum board_wait_result result,
						      void *data),
				    void *data, struct error *error);
void board_wait_cancel(struct board_wait *wait);

/* Conditions; data: unused. */
board_condition board_has_started; /* no start is under way; over again counts */
board_condition board_has_ended;   /* created, exited, failed */

/* Why the last start failed, as an error to answer with; false: it did not. */
bool board_start_failure(const struct board *board, struct error *ret_error);

/* ---- for fleet.c ---- */

/* How a row keeps a spec: what was asked, the file and args in force, and (unless NULL) the target as
 * resolved and what the next start is to have of its own. New reference. */
json_t *board_spec_pack(const json_t *asked, const json_t *file, const json_t *args, const json_t *resolved,
			const json_t *next);

struct shim_handle;
/* Its first start has this emulator, which stands ready in its state directory. Takes the handle. */
void board_take_ready(struct board *board, struct shim_handle *handle);

struct instance_row;
/* Takes the row's strings and dirfd, its state directory (negative: it is gone). */
struct board *board_make(struct fleet *fleet, struct instance_row *row, int dirfd, struct error *error);
void board_destroy(struct board *board);
/* Brings it in line with what is found on this host after emud's own restart. */
void board_recover(struct board *board);
bool board_is_settled(const struct board *board); /* recovery has come to an end */
