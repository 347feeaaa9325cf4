#include "server/api/handlers.h"
#include "server/api/replies.h"
#include "server/api/run_id.h"
#include "server/api/run_reply.h"
#include "server/api/run_stream.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/http/field.h"

#include <inttypes.h>
#include <string.h>

bool require_run_id(struct request *request, int64_t *ret_id)
{
	const char *id = request_parameter(request, "id");
	if (id[0] >= '1' && id[0] <= '9' && text_to_int64(id, ret_id) == 0)
		return true;
	reply_problem(request, "not_found", "there is no run %.100s", id);
	return false;
}

/* ---- GET /runs ---- */

static bool is_one_of(const char *value, const char *const *names)
{
	while (*names && !text_equal(*names, value))
		names++;
	return *names;
}

static bool read_filter(struct request *request, struct runs_filter *filter)
{
	static const char *const states[] = {"queued", "running", "ended", NULL};
	static const char *const verdicts[] = {"passed",      "failed",   "timed_out", "crashed",
					       "not_started", "canceled", NULL};
	struct page_query page;
	filter->state = request_query(request, "state");
	filter->verdict = request_query(request, "verdict");
	filter->target = request_query(request, "target");
	if (!query_page(request, &page))
		return false;
	filter->limit = page.limit;
	if (filter->state && !is_one_of(filter->state, states))
		reply_problem(request, "invalid_parameter", "state must be queued, running or ended");
	else if (filter->verdict && !is_one_of(filter->verdict, verdicts))
		reply_problem(request, "invalid_parameter",
			      "verdict must be passed, failed, timed_out, crashed, not_started or canceled");
	else if (page.cursor && (text_to_int64(page.cursor, &filter->before) < 0 || filter->before < 1))
		reply_problem(request, "invalid_parameter",
			      "cursor must be the next_cursor of a page of runs");
	else
		return true;
	return false;
}

struct listing {
	struct runs *runs;
	json_t *items;
	int64_t last_id;
};

static int list_row(struct run_row *row, void *data)
{
	struct listing *listing = data;
	listing->last_id = row->id;
	return json_array_append_new(listing->items, runs_summarize(listing->runs, row));
}

void list_runs(struct request *request, void *data)
{
	struct app *app = data;
	struct runs_filter filter = {0};
	struct label_query label;
	char cursor[24];
	struct error error;
	bool has_more = false;
	if (!read_filter(request, &filter) || !query_label(request, &label))
		return;
	if (label.key[0]) {
		filter.label_key = label.key;
		filter.label_value = label.value;
	}
	struct listing listing = {.runs = app->runs, .items = json_array()};
	if (runs_list(app->store, &filter, list_row, &listing, &has_more, &error) < 0) {
		json_decref(listing.items);
		reply_error(request, &error);
		return;
	}
	snprintf(cursor, sizeof(cursor), "%" PRId64, listing.last_id);
	reply_json(request, 200,
		   json_pack("{s:o, s:s?}", "runs", listing.items, "next_cursor", has_more ? cursor : NULL));
}

/* ---- GET, DELETE /runs/{id}, /junit ---- */

void get_run(struct request *request, void *data)
{
	struct app *app = data;
	struct error error;
	int64_t id;
	if (!require_run_id(request, &id))
		return;
	json_t *run = runs_describe(app->runs, id, &error);
	if (run)
		reply_json(request, 200, run);
	else
		reply_error(request, &error);
}

void cancel_run(struct request *request, void *data)
{
	struct app *app = data;
	int64_t id;
	if (!require_run_id(request, &id))
		return;
	struct run *run = runs_find(app->runs, id);
	if (!run) {
		get_run(request, data);
		return;
	}
	const char *actor = request_actor(request);
	cleanup_free char *detail = text_format("%s asked for it", actor);
	run_cancel(run, "canceled", detail, actor);
	reply_ended_run(request, app, run);
}

void get_run_junit(struct request *request, void *data)
{
	struct app *app = data;
	struct error error;
	int64_t id;
	if (!require_run_id(request, &id))
		return;
	cleanup_json json_t *run = runs_describe(app->runs, id, &error);
	if (!run)
		reply_error(request, &error);
	else if (json_is_null(json_object_get(run, "verdict")))
		reply_problem(request, "conflict", "run %" PRId64 " has not ended: it has no report yet", id);
	else
		reply_junit(request, app, 200, id);
}

/* ---- GET /runs/{id}/output ---- */

struct output_query {
	bool follow;
	int64_t offset, limit;
};

static bool read_query(struct request *request, struct output_query *query)
{
	struct error error;
	if (!field_accepts_media_type(request_header(request, "Accept"), "application/octet-stream")) {
		reply_problem(request, "not_acceptable", "output comes as application/octet-stream");
		return false;
	}
	if (request_query_integer(request, "offset", INT64_MIN, INT64_MAX, &query->offset, &error) == 0 &&
	    request_query_integer(request, "limit", 0, INT64_MAX, &query->limit, &error) == 0 &&
	    request_query_boolean(request, "follow", &query->follow, &error) == 0)
		return true;
	reply_error(request, &error);
	return false;
}

/* The offset asked for, within what is kept. False: a problem was replied. */
static bool place(struct request *request, const struct run_output *output, struct output_query *query)
{
	struct console_log_window window = {0};
	if (output->fd >= 0)
		console_log_window(output->fd, &window);
	int64_t end = output->end_offset >= 0 ? output->end_offset : window.next_offset;
	if (query->offset < 0)
		query->offset += end;
	if (query->offset < window.first_offset)
		query->offset = window.first_offset;
	if (query->offset > end) {
		reply_problem(request, "range_not_satisfiable",
			      "the output ends at offset %lld: %lld lies beyond it", (long long) end,
			      (long long) query->offset);
		return false;
	}
	reply_header_format(request, "Emud-First-Offset", "%lld", (long long) window.first_offset);
	reply_header_format(request, "Emud-Offset", "%lld", (long long) query->offset);
	return true;
}

void get_run_output(struct request *request, void *data)
{
	struct app *app = data;
	struct output_query query = {.limit = INT64_MAX};
	struct run_output output;
	struct error error;
	int64_t id;
	if (!require_run_id(request, &id) || !read_query(request, &query))
		return;
	if (runs_open_output(app->runs, id, &output, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	cleanup_close int fd = output.fd;
	if (!place(request, &output, &query))
		return;
	const struct run_stream_options stream = {
	    .id = id, .offset = query.offset, .limit = query.limit, .is_followed = query.follow};
	reply_header(request, "Cache-Control", "no-store");
	reply_run_stream(request, app, 200, "application/octet-stream", &stream);
}
