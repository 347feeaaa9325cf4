#include "server/runs/runs.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/runs/run_internal.h"
#include "server/runs/run_json.h"
#include "server/runs/run_retention.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct runs {
	struct runs_options options;
	struct run_archive *archive;
	struct run_queue *queue;
	struct run_retention *retention;
	struct loop_deferred *turn;
	bool is_leaving;
	bool is_ready; /* what an earlier emud left has been found */
	LIST_HEAD(, run) list;
};

const struct runs_options *runs_options(const struct runs *runs)
{
	return &runs->options;
}

struct run_archive *runs_archive(const struct runs *runs)
{
	return runs->archive;
}

struct run *runs_find(struct runs *runs, int64_t id)
{
	struct run *run;
	LIST_FOREACH (run, &runs->list, link)
		if (run->row.id == id)
			return run;
	return NULL;
}

/* ---- the queue ---- */

size_t runs_queue_position(const struct run *run)
{
	return run->is_queued ? run_queue_position(run->runs->queue, &run->place) : 0;
}

void runs_unqueue(struct run *run)
{
	if (!run->is_queued)
		return;
	run->is_queued = false;
	run_queue_remove(run->runs->queue, &run->place);
}

static bool has_room(const struct runs *runs)
{
	const struct config_limits *limits = &config_server(fleet_config(runs->options.fleet))->limits;
	return fleet_count_live(runs->options.fleet) < limits->running_instances &&
	       fleet_count(runs->options.fleet) < limits->instances;
}

/* One that an earlier emud let in has no board yet, but its place. */
static bool is_resuming(const struct runs *runs)
{
	const struct run *run;
	LIST_FOREACH (run, &runs->list, link)
		if (run->is_compiling && !run->is_queued && !run->is_decided)
			return true;
	return false;
}

static void look_soon(struct runs *runs);

/* One a turn, since each takes the loop's time. */
static void on_turn(void *data)
{
	struct runs *runs = data;
	runs->turn = NULL;
	struct run_queue_entry *first = run_queue_first(runs->queue);
	if (!first || !has_room(runs) || is_resuming(runs))
		return;
	struct run *run = (struct run *) ((char *) first - offsetof(struct run, place));
	/* It keeps its place until it takes a board: else the next would have it, too. */
	if (!run_prepare(run))
		return;
	run_queue_take_first(runs->queue);
	run->is_queued = false;
	loop_timer_destroy(TAKE(run->deadline));
	run_start(run);
	look_soon(runs);
}

static void look_soon(struct runs *runs)
{
	if (!runs->turn && runs->is_ready && run_queue_first(runs->queue))
		runs->turn = loop_defer(runs->options.loop, on_turn, runs, NULL);
}

void runs_look(struct runs *runs)
{
	look_soon(runs);
}

void runs_limits_changed(struct runs *runs)
{
	runs_changed(runs);
}

bool runs_are_leaving(const struct runs *runs)
{
	return runs->is_leaving;
}

void runs_changed(struct runs *runs)
{
	run_retention_look(runs->retention);
	look_soon(runs);
}

static void on_queue_timeout(void *data)
{
	struct run *run = data;
	run_decide(run, "not_started", "queue_timeout",
		   text_format("no board was free within %g s (limits.running_instances)",
			       json_member_real(run->spec, "queue_timeout", 0)),
		   NULL);
}

static int enqueue(struct run *run, struct error *error)
{
	struct runs *runs = run->runs;
	double timeout = json_member_real(run->spec, "queue_timeout", 0);
	int64_t waited_ms = clock_wall_ms() - run->row.created_at_ms;
	int64_t left_ms = (int64_t) (timeout * 1000) - waited_ms;
	run->deadline = loop_timer_create(runs->options.loop, on_queue_timeout, run, error);
	if (!run->deadline)
		return error->number;
	run->is_queued = true;
	run_queue_add(runs->queue, &run->place);
	/* With no time to wait it gets the next turn all the same, if there is room. */
	loop_timer_start(run->deadline, left_ms > 0 ? (uint64_t) left_ms : 1);
	look_soon(runs);
	return 0;
}

/* ---- new ones ---- */

static json_t *complete_spec(const struct run_order *order)
{
	json_t *spec = json_copy((json_t *) order->spec);
	json_object_set(spec, "configuration", (json_t *) order->configuration);
	json_object_set(spec, "emulator", json_object_get(order->configuration, "emulator"));
	json_object_set(spec, "versions", (json_t *) order->versions);
	json_object_set_new(spec, "actor", json_string(order->actor));
	json_object_set_new(spec, "rerun_of", order->rerun_of ? json_string(order->rerun_of) : json_null());
	return spec;
}

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int fill_row(struct run_row *row, const struct run_order *order, struct error *error)
{
	cleanup_json json_t *spec = complete_spec(order);
	const json_t *labels = json_object_get(order->spec, "labels");
	*row = (struct run_row){
	    .state = strdup("queued"),
	    .target = strdup(json_member_string(order->spec, "target", "")),
	    .labels = labels ? json_to_text(labels) : strdup("{}"),
	    .client = strdup(order->client),
	    .spec = spec ? json_to_text(spec) : NULL,
	    .file = copy_text(json_member_string(json_object_get(order->spec, "file"), "sha256", NULL)),
	    .is_detached = order->is_detached,
	    .created_at_ms = clock_wall_ms(),
	};
	if (row->state && row->target && row->labels && row->client && row->spec)
		return 0;
	return error_set(error, -ENOMEM, NULL, "no memory");
}

struct run *runs_begin(struct runs *runs, const struct run_order *order, struct error *error)
{
	cleanup_run_row struct run_row row = {0};
	if (fill_row(&row, order, error) < 0) {
		run_patterns_destroy(order->patterns);
		return NULL;
	}
	struct run *run = run_create(runs, &row, order->patterns, error);
	if (run && run_store(run, order->actor, error) == 0) {
		LIST_INSERT_HEAD(&runs->list, run, link);
		if (enqueue(run, error) < 0)
			run_decide(run, "canceled", "internal_error", strdup("no memory"), NULL);
		return run;
	}
	run_destroy(run);
	return NULL;
}

/* ---- those of an earlier emud ---- */

static void recover(struct run *run)
{
	struct error error;
	if (run_has_ended(run)) {
		run->is_cleared = false;
		run_clear(run);
	} else if (!run->row.is_detached) {
		run->output_fd = run_archive_open(run->runs->archive, run->row.id, NULL);
		run_cancel(run, "emud_restarted",
			   "emud ended while the client waited: ask again, or with detach", NULL);
	} else if (text_equal(run->row.state, "running")) {
		run_resume(run);
	} else if (enqueue(run, &error) < 0) {
		run_cancel(run, "internal_error", error.message, NULL);
	}
}

static int take_row(struct run_row *row, void *data)
{
	struct runs *runs = data;
	cleanup_run_row struct run_row whole = {0};
	int result = runs_get(runs->options.store, row->id, &whole, NULL);
	struct run *run = result < 0 ? NULL : run_create(runs, &whole, NULL, NULL);
	if (!run)
		return -ENOMEM;
	LIST_INSERT_HEAD(&runs->list, run, link);
	return 0;
}

int runs_recover(struct runs *runs, struct error *error)
{
	int result = runs_list_open(runs->options.store, take_row, runs, error);
	if (result < 0)
		return result;
	/* Oldest first, which is the last of the list. */
	for (;;) {
		struct run *run, *oldest = NULL;
		LIST_FOREACH (run, &runs->list, link)
			if (!run->is_recovered)
				oldest = run;
		if (!oldest)
			break;
		oldest->is_recovered = true;
		recover(oldest);
	}
	runs->is_ready = true;
	runs_changed(runs);
	return 0;
}

/* ---- what is known ---- */

void runs_count(const struct runs *runs, size_t *ret_queued, size_t *ret_running)
{
	size_t queued = 0, running = 0;
	const struct run *run;
	LIST_FOREACH (run, &runs->list, link) {
		queued += run->is_queued;
		running += !run->is_queued && !run_has_ended(run);
	}
	*ret_queued = queued;
	*ret_running = running;
}

static int64_t first_offset(struct runs *runs, int64_t id)
{
	struct console_log_window window = {0};
	cleanup_close int fd = run_archive_open(runs->archive, id, NULL);
	if (fd >= 0)
		console_log_window(fd, &window);
	return window.first_offset;
}

static json_t *to_json(struct runs *runs, const struct run_row *row, bool is_whole)
{
	const struct run *run = runs_find(runs, row->id);
	return run_row_to_json(row, run ? runs_queue_position(run) : 0, first_offset(runs, row->id),
			       is_whole);
}

json_t *run_to_json(const struct run *run)
{
	return to_json(run->runs, &run->row, true);
}

json_t *runs_summarize(struct runs *runs, const struct run_row *row)
{
	return to_json(runs, row, false);
}

json_t *runs_describe(struct runs *runs, int64_t id, struct error *error)
{
	cleanup_run_row struct run_row row = {0};
	const struct run *run = runs_find(runs, id);
	if (run)
		return run_to_json(run);
	return runs_get(runs->options.store, id, &row, error) < 0 ? NULL : to_json(runs, &row, true);
}

static int open_kept(struct runs *runs, int64_t id, struct run_output *ret_output, struct error *error)
{
	cleanup_run_row struct run_row row = {0};
	int result = runs_get(runs->options.store, id, &row, error);
	if (result < 0)
		return result;
	cleanup_json json_t *record = row.result ? json_parse(row.result, strlen(row.result), NULL) : NULL;
	*ret_output = (struct run_output){.fd = run_archive_open(runs->archive, id, NULL),
					  .end_offset = json_member_integer(record, "end_offset", 0)};
	return 0;
}

int runs_open_output(struct runs *runs, int64_t id, struct run_output *ret_output, struct error *error)
{
	const struct run *run = runs_find(runs, id);
	if (!run)
		return open_kept(runs, id, ret_output, error);
	/* One of an earlier emud has output before it is attached again. */
	*ret_output = (struct run_output){
	    .fd = run->output_fd < 0 ? run_archive_open(runs->archive, id, NULL)
				     : fcntl(run->output_fd, F_DUPFD_CLOEXEC, 3),
	    .end_offset = run_has_ended(run) ? run->end_offset : -1,
	    .board = run->row.instance ? fleet_find(runs->options.fleet, run->row.instance) : NULL,
	    .start_number = run->start_number,
	};
	return 0;
}

/* ---- coming and going ---- */

/* One is no longer kept. */
static int on_remove(int64_t id, const char *why, void *data)
{
	struct runs *runs = data;
	cleanup_run_row struct run_row row = {0};
	struct error error;
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, id);
	int result = runs_get(runs->options.store, id, &row, &error);
	if (!result)
		result = run_archive_remove(runs->archive, id, &error);
	if (!result)
		result = runs_delete(runs->options.store, id, &error);
	if (result < 0) {
		log_event(runs->options.log, LOG_LEVEL_ERROR, "run.remove_failed", "run", text, "detail",
			  error.message, NULL);
		return result;
	}
	if (row.file)
		runs->options.release_file(row.file, runs->options.data);
	log_event(runs->options.log, LOG_LEVEL_INFO, "run.deleted", "run", text, "why", why, NULL);
	const struct event event = {.type = "run.deleted",
				    .run = text,
				    .data = json_pack("{s:s, s:s?}", "why", why, "verdict", row.verdict)};
	events_publish(runs->options.events, &event);
	return 0;
}

static bool is_known(int64_t id, void *data)
{
	const struct runs *runs = data;
	cleanup_run_row struct run_row row = {0};
	return runs_get(runs->options.store, id, &row, NULL) != -ENOENT;
}

struct runs *runs_create(const struct runs_options *options, struct error *error)
{
	struct runs *runs = calloc(1, sizeof(*runs));
	if (!runs) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	runs->options = *options;
	LIST_INIT(&runs->list);
	runs->queue = run_queue_create();
	runs->archive = run_archive_create(options->state_dir, is_known, runs, error);
	if (runs->queue && runs->archive)
		runs->retention = run_retention_create(options->loop, options->store, options->fleet,
						       on_remove, runs, error);
	if (runs->retention)
		return runs;
	runs_destroy(runs);
	return NULL;
}

void runs_leave(struct runs *runs)
{
	if (runs)
		runs->is_leaving = true;
}

void runs_destroy(struct runs *runs)
{
	if (!runs)
		return;
	loop_deferred_cancel(runs->turn);
	struct run *run;
	while ((run = LIST_FIRST(&runs->list))) {
		LIST_REMOVE(run, link);
		run_abandon(run);
	}
	run_retention_destroy(runs->retention);
	run_queue_destroy(runs->queue);
	run_archive_destroy(runs->archive);
	free(runs);
}
