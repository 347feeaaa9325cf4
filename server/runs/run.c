#include "server/runs/run_input.h"
#include "server/runs/run_internal.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <string.h>

enum { RETRY_MS = 1000 };

struct run_watcher {
	LIST_ENTRY(run_watcher) link;
	void (*on_change)(struct run *run, void *data);
	void *data;
	bool is_new; /* has been told nothing of what is to be told now */
};

/* ---- what is known ---- */

int64_t run_id(const struct run *run)
{
	return run->row.id;
}

bool run_has_ended(const struct run *run)
{
	return text_equal(run->row.state, "ended");
}

bool run_has_output(const struct run *run)
{
	return run->output_fd >= 0;
}

const char *run_verdict(const struct run *run)
{
	return run->row.verdict;
}

/* ---- telling ---- */

void run_log_unsaved(struct run *run, const struct error *error)
{
	log_event(runs_options(run->runs)->log, LOG_LEVEL_ERROR, "store.failed", "run", run->id, "detail",
		  error->message, NULL);
}

int run_save(struct run *run)
{
	struct error error;
	int result = runs_update(runs_options(run->runs)->store, &run->row, &error);
	if (result < 0)
		run_log_unsaved(run, &error);
	return result;
}

static void tell_watchers(struct run *run)
{
	struct run_watcher *watcher;
	LIST_FOREACH (watcher, &run->watchers, link)
		watcher->is_new = true;
	for (;;) {
		LIST_FOREACH (watcher, &run->watchers, link)
			if (watcher->is_new)
				break;
		if (!watcher)
			return;
		watcher->is_new = false;
		void (*on_change)(struct run * run, void *data) = watcher->on_change;
		void *data = watcher->data;
		if (run_has_ended(run))
			run_unwatch(watcher);
		on_change(run, data);
	}
}

static void on_telling(void *data)
{
	struct run *run = data;
	tell_watchers(run);
	run->telling = NULL;
	run_release(run);
}

void run_tell(struct run *run)
{
	if (!run->telling)
		run->telling = loop_defer(runs_options(run->runs)->loop, on_telling, run, NULL);
}

static int write_row(struct error *error, void *data)
{
	struct run *run = data;
	struct store *store = runs_options(run->runs)->store;
	int result =
	    run->row.id ? runs_update(store, &run->row, error) : runs_insert(store, &run->row, error);
	snprintf(run->id, sizeof(run->id), "%" PRId64, run->row.id);
	return result;
}

int run_store(struct run *run, const char *actor, struct error *error)
{
	const struct runs_options *options = runs_options(run->runs);
	const struct run_row *row = &run->row;
	const struct event event = {
	    .type = "run.state",
	    .time_ms = row->ended_at_ms     ? row->ended_at_ms
		       : row->started_at_ms ? row->started_at_ms
					    : row->created_at_ms,
	    .actor = actor,
	    .run = run->id,
	    .data = json_pack("{s:s, s:s?, s:s?, s:o, s:s, s:s?}", "state", row->state, "verdict",
			      row->verdict, "reason", run->reason, "detail", json_text_of(run->detail),
			      "target", row->target, "instance", row->instance),
	};
	int result = events_publish_with(options->events, &event, write_row, run, error);
	if (result < 0)
		return result;
	log_event(options->log, LOG_LEVEL_INFO, "run.state", "run", run->id, "state", row->state, "instance",
		  row->instance, "verdict", row->verdict, "reason", run->reason, "detail", run->detail, NULL);
	return 0;
}

static void on_retry(void *data)
{
	struct run *run = data;
	loop_timer_destroy(TAKE(run->retry));
	run->again(run);
}

void run_retry(struct run *run, void (*again)(struct run *run))
{
	run->again = again;
	run->retry = loop_timer_create(runs_options(run->runs)->loop, on_retry, run, NULL);
	if (run->retry)
		loop_timer_start(run->retry, RETRY_MS);
}

struct run_watcher *run_watch(struct run *run, void (*on_change)(struct run *run, void *data), void *data,
			      struct error *error)
{
	struct run_watcher *watcher = calloc(1, sizeof(*watcher));
	if (!watcher) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*watcher = (struct run_watcher){.on_change = on_change, .data = data};
	LIST_INSERT_HEAD(&run->watchers, watcher, link);
	return watcher;
}

void run_unwatch(struct run_watcher *watcher)
{
	if (!watcher)
		return;
	LIST_REMOVE(watcher, link);
	free(watcher);
}

/* ---- coming and going ---- */

struct run *run_create(struct runs *runs, struct run_row *row, struct run_patterns *patterns,
		       struct error *error)
{
	struct run *run = calloc(1, sizeof(*run));
	if (!run) {
		run_patterns_destroy(patterns);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	run->runs = runs;
	run->row = *row;
	*row = (struct run_row){0};
	run->patterns = patterns;
	run->output_fd = -1;
	LIST_INIT(&run->watchers);
	run->spec = json_parse(run->row.spec, strlen(run->row.spec), error);
	run->place.client = run->row.client;
	snprintf(run->id, sizeof(run->id), "%" PRId64, run->row.id);
	if (run->spec)
		return run;
	run_destroy(run);
	return NULL;
}

void run_destroy(struct run *run)
{
	if (!run)
		return;
	while (!LIST_EMPTY(&run->watchers))
		run_unwatch(LIST_FIRST(&run->watchers));
	loop_deferred_cancel(run->telling);
	loop_timer_destroy(run->deadline);
	loop_timer_destroy(run->line_deadline);
	loop_timer_destroy(run->retry);
	growth_watch_destroy(run->line_watch);
	board_wait_cancel(run->wait);
	run_input_destroy(run->input);
	run_reader_destroy(run->reader);
	expectation_destroy(run->expectation);
	run_patterns_destroy(run->patterns);
	if (run->output_fd >= 0)
		close(run->output_fd);
	json_decref(run->spec);
	json_decref(run->matched);
	json_decref(run->exit);
	free(run->detail);
	free(run->decider);
	run_row_finish(&run->row);
	free(run);
}

/* emud ends: the run stays as it is in the store. */
void run_abandon(struct run *run)
{
	bool is_compiling = run->is_compiling && !matching_cancel(&run->compiling);
	bool is_reporting = run->is_reporting && !matching_cancel(&run->reporting);
	run->is_orphan = is_compiling || is_reporting;
	if (!run->is_orphan)
		run_destroy(run);
}

void run_release(struct run *run)
{
	if (run->telling || run->retry || !run->is_cleared || !run_has_ended(run))
		return;
	struct runs *runs = run->runs;
	LIST_REMOVE(run, link);
	run_destroy(run);
	runs_changed(runs);
}
