#pragma once

/* What the files of a run share: runs.c (all of them, the queue), run.c (one, its row and who watches it),
 * run_start.c (its board), run_watch.c (its console, until something decides), run_end.c (from the verdict
 * on). */

#include "server/runs/run_archive.h"
#include "server/runs/run_queue.h"
#include "server/runs/run_reader.h"
#include "server/runs/runs.h"
#include "server/watch/expectation.h"

#include <sys/queue.h>

struct run_input;

struct run {
	LIST_ENTRY(run) link;
	struct runs *runs;
	struct run_row row;
	char id[24];              /* of the row, as text */
	struct loop_timer *retry; /* NULL: nothing is to be tried again */
	void (*again)(struct run *run);
	json_t *spec;                  /* of the row */
	struct run_patterns *patterns; /* NULL: not compiled in this emud yet */
	struct matching compiling;
	bool is_compiling;
	bool is_recovered; /* found by runs_recover and dealt with */
	bool is_orphan;    /* destroyed, but for the work on the pool */

	struct run_queue_entry place;
	bool is_queued;
	struct loop_timer *deadline; /* while it waits: queue_timeout; while it runs: idle_timeout */
	int64_t late_at_ms;          /* monotonic: when it has run for too long */

	struct board_wait *wait; /* for its board's start, or end */
	int64_t start_number;
	int output_fd; /* -1: there is none yet */
	int64_t there_offset;
	struct expectation *expectation;
	bool is_idle; /* nothing was printed for idle_timeout: what came before is still looked at */
	struct run_reader *reader; /* along with the expectation */
	struct run_input *input;

	/* From the verdict on. */
	bool is_decided, is_ending;
	const char *verdict, *reason; /* static */
	char *detail;                 /* or NULL */
	char *decider;                /* who asked for it; NULL: nobody */
	json_t *matched, *exit;       /* or NULL */
	int64_t decided_at_ms, end_offset;
	struct growth_watch *line_watch;
	struct loop_timer *line_deadline;
	struct matching reporting;
	bool is_reporting;
	bool is_cleared; /* its board is gone, or stays */

	LIST_HEAD(, run_watcher) watchers;
	struct loop_deferred *telling;
};

/* ---- runs.c ---- */

const struct runs_options *runs_options(const struct runs *runs);
struct run_archive *runs_archive(const struct runs *runs);
size_t runs_queue_position(const struct run *run); /* 0: it does not wait */
void runs_unqueue(struct run *run);
bool runs_are_leaving(const struct runs *runs);
void runs_changed(struct runs *runs); /* one has been cleared away */

/* ---- run.c ---- */

/* Takes the row's strings and the patterns (NULL: to be compiled). NULL with error. */
struct run *run_create(struct runs *runs, struct run_row *row, struct run_patterns *patterns,
		       struct error *error);
void run_destroy(struct run *run);
/* emud ends: the run stays as it is in the store. */
void run_abandon(struct run *run);
int run_save(struct run *run); /* a failure is logged */
void run_log_unsaved(struct run *run, const struct error *error);
/* The state has changed, or it is new: the row and the event are kept together. actor: who asked for it;
 * NULL: nobody. */
int run_store(struct run *run, const char *actor, struct error *error);
/* Something failed that may go another time, say on a full disk: it is tried again until then. */
void run_retry(struct run *run, void (*again)(struct run *run));
void run_tell(struct run *run);
/* Frees it if nothing is left to do. It may be gone afterwards. */
void run_release(struct run *run);

/* ---- run_start.c ---- */

/* Whether it can start: an earlier emud's must have its patterns compiled first, and runs_look follows. */
bool run_prepare(struct run *run);
/* Its turn has come: makes its board. */
void run_start(struct run *run);
/* Goes on with what an earlier emud has left of it. */
void run_resume(struct run *run);

/* ---- run_watch.c ---- */

/* Watches the console until something decides. 0, or a negative errno with error set. */
int run_watch_console(struct run *run, struct board *board, const char *channel, struct error *error);
uint64_t run_left_ms(const struct run *run); /* of its timeout */
/* How far it has come: {"channel","start_number","step","offset"}. New reference; NULL: no console was
 * watched. */
json_t *run_read_progress(const struct run *run);
void run_decide_ended(struct run *run, const struct board *board);
void run_decide_late(struct run *run);
void run_decide_deleted(struct run *run);

/* ---- run_end.c ---- */

/* The verdict has fallen; the first one counts. Takes detail and matched (may be NULL). */
void run_decide(struct run *run, const char *verdict, const char *reason, char *detail, json_t *matched);
/* What the pool had of it, it has given back. */
void run_end_now(struct run *run);
void run_on_reader_released(void *data);
/* Takes its board away. The run may be gone afterwards. */
void run_clear(struct run *run);
