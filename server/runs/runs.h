#pragma once

/*
 * Runs: a firmware on a board of its own, from the queue to a verdict.
 *
 *   queued -> running -> ended
 *
 * At the verdict the run has ended, for whoever waits; its board is stopped and taken away behind it, the
 * console's output stays (run_archive.h). A run that has not ended, or whose board is still there, is in
 * memory; all are rows of the store, so that the next emud goes on where this one is killed.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/channels/growth.h"
#include "core/loop/loop.h"
#include "server/events/events.h"
#include "server/runs/run_patterns.h"
#include "server/shims/fleet.h"
#include "server/store/runs.h"
#include "server/watch/matching.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct runs;
struct run;

struct runs_options {
	struct loop *loop;
	struct log *log;
	struct store *store;
	struct fleet *fleet;
	struct growth *growth;
	struct matcher *matcher;
	struct events *events;
	const char *state_dir;
	/* A run that used the uploaded file is no longer kept. */
	void (*release_file)(const char *sha256, void *data);
	void *data;
};

struct runs *runs_create(const struct runs_options *options, struct error *error);
/* emud ends, and with it whoever waits: that cancels nothing. All but runs_destroy is over. Takes NULL. */
void runs_leave(struct runs *runs);
void runs_destroy(struct runs *runs); /* boards run on */

/* Goes on with what an earlier emud has left: once, when the fleet has found its boards. */
int runs_recover(struct runs *runs, struct error *error);

/* A board has ended or gone: there may be room for those that wait. */
void runs_look(struct runs *runs);
void runs_limits_changed(struct runs *runs);

/* What is asked for; borrowed unless said. */
struct run_order {
	const json_t *spec;            /* as run_body makes it, with the file as the API tells it */
	const json_t *configuration;   /* its target, resolved */
	const json_t *versions;        /* {"emud","emulator"} */
	struct run_patterns *patterns; /* of the spec; taken, even on failure */
	const char *client;            /* whose it is, for the queue */
	const char *actor;             /* who asked, for the record */
	const char *rerun_of;          /* the id of the run it repeats; NULL: none */
	bool is_detached;              /* it goes on when emud is killed */
};

/* Takes it into the queue. It begins in the next turn if there is room. */
struct run *runs_begin(struct runs *runs, const struct run_order *order, struct error *error);

/* Those that wait for their turn, and those that have a board. */
void runs_count(const struct runs *runs, size_t *ret_queued, size_t *ret_running);

/* In memory still; else NULL. */
struct run *runs_find(struct runs *runs, int64_t id);

/* Ends it without a verdict on the firmware, in a later turn; one that has ended stays as it is. actor: NULL:
 * nobody.
 */
void run_cancel(struct run *run, const char *reason, const char *detail, const char *actor);

/* ---- what is known ---- */

int64_t run_id(const struct run *run);
bool run_has_ended(const struct run *run);
bool run_has_output(const struct run *run);     /* its console is there to be read */
const char *run_verdict(const struct run *run); /* NULL: it has not ended */

/* As the API tells it. New reference. */
json_t *run_to_json(const struct run *run);
/* The same of any that is kept; NULL with error: code "not_found". */
json_t *runs_describe(struct runs *runs, int64_t id, struct error *error);
/* As lists tell it, without what may be long. */
json_t *runs_summarize(struct runs *runs, const struct run_row *row);

/* What there is of its console's output. */
struct run_output {
	int fd;              /* the caller's; -1: there is none */
	int64_t end_offset;  /* where it ends for good; -1: it grows */
	struct board *board; /* with -1: whose console it is */
	int64_t start_number;
};
/* 0; -ENOENT with code "not_found": no such run. */
int runs_open_output(struct runs *runs, int64_t id, struct run_output *ret_output, struct error *error);

/* ---- watching one ---- */

struct run_watcher;

/* on_change fires when its state has changed or its output is there to be read: never from within. The last
 * time run_has_ended; then the watcher is gone, and the run soon. NULL: no memory. */
struct run_watcher *run_watch(struct run *run, void (*on_change)(struct run *run, void *data), void *data,
			      struct error *error);
void run_unwatch(struct run_watcher *watcher);
