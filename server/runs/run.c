#include "server/runs/run_input.h"
#include "server/runs/run_internal.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <string.h>

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

void run_save(struct run *run)
{
	const struct runs_options *options = runs_options(run->runs);
	struct error error;
	char id[24];
	snprintf(id, sizeof(id), "%" PRId64, run->row.id);
	if (runs_update(options->store, &run->row, &error) < 0)
		log_event(options->log, LOG_LEVEL_ERROR, "store.failed", "run", id, "detail", error.message,
			  NULL);
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

void run_changed(struct run *run, const char *actor)
{
	const struct runs_options *options = runs_options(run->runs);
	const struct run_row *row = &run->row;
	char id[24];
	snprintf(id, sizeof(id), "%" PRId64, row->id);
	log_event(options->log, LOG_LEVEL_INFO, "run.state", "run", id, "state", row->state, "instance",
		  row->instance, "verdict", row->verdict, "reason", run->reason, "detail", run->detail, NULL);
	const struct event event = {
	    .type = "run.state",
	    .actor = actor,
	    .run = id,
	    .data = json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:s?}", "state", row->state, "verdict",
			      row->verdict, "reason", run->reason, "detail", run->detail, "target",
			      row->target, "instance", row->instance),
	};
	events_publish(options->events, &event);
	run_tell(run);
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
	if (run->telling || !run->is_cleared || !run_has_ended(run))
		return;
	struct runs *runs = run->runs;
	LIST_REMOVE(run, link);
	run_destroy(run);
	runs_changed(runs);
}
