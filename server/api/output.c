#include "server/api/channels.h"
#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/api/pump.h"
#include "server/api/tail_reply.h"
#include "server/http/field.h"
#include "server/http/sse.h"

#include <string.h>

static const char event_stream[] = "text/event-stream";

/* ---- as server-sent events ---- */

enum { RETRY_MS = 1000 };

struct output_events {
	struct sse *sse; /* NULL until it stands */
	struct pump *pump;
	int64_t start_number;
};

static int on_bytes(int64_t offset, const void *bytes, size_t length, void *data)
{
	struct output_events *events = data;
	char id[48];
	snprintf(id, sizeof(id), "%lld:%lld", (long long) events->start_number,
		 (long long) offset + (long long) length);
	cleanup_free char *encoded = base64_encode(bytes, length);
	cleanup_json json_t *json =
	    encoded ? json_pack("{s:I, s:s}", "offset", (json_int_t) offset, "base64", encoded) : NULL;
	int result = json ? sse_send(events->sse, NULL, id, json) : -ENOMEM;
	if (result < 0 && result != -EAGAIN)
		sse_end(events->sse);
	return result;
}

/* An end without the instance's makes the client come back with the last id it has. */
static void on_end(int number, void *data)
{
	(void) number;
	struct output_events *events = data;
	sse_end(events->sse);
}

static void on_writable(struct sse *sse, void *data)
{
	(void) sse;
	struct output_events *events = data;
	pump_resume(events->pump);
}

static void on_closed(void *data)
{
	struct output_events *events = data;
	pump_destroy(events->pump);
	free(events);
}

static const struct pump_sink event_sink = {.on_bytes = on_bytes, .on_end = on_end};
static const struct sse_events sse_events = {.on_writable = on_writable, .on_closed = on_closed};

static void reply_events(struct request *request, const struct tail_options *tail)
{
	struct error error;
	struct output_events *events = calloc(1, sizeof(*events));
	if (!events) {
		close(tail->fd);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	events->start_number = tail->start_number;
	events->pump = pump_create(request_loop(request), tail, &event_sink, events, &error);
	if (!events->pump) {
		free(events);
		reply_error(request, &error);
		return;
	}
	struct sse *sse = sse_create(request, RETRY_MS, &sse_events, events);
	if (!sse)
		return;
	events->sse = sse;
	pump_resume(events->pump);
}

/* "<start number>:<next offset>", as our events bear it; false: a problem was replied. */
static bool read_last_event(struct request *request, struct output_query *query)
{
	const char *id = request_header(request, "Last-Event-ID");
	if (!id || !id[0])
		return true;
	char start_number[24] = "";
	const char *colon = strchr(id, ':');
	if (colon && colon - id < (ptrdiff_t) sizeof(start_number))
		memcpy(start_number, id, (size_t) (colon - id));
	if (!colon || text_to_int64(start_number, &query->start_number) < 0 || query->start_number < 1 ||
	    text_to_int64(colon + 1, &query->offset) < 0 || query->offset < 0) {
		reply_problem(request, "invalid_parameter",
			      "Last-Event-ID must be the id of an event of this stream");
		return false;
	}
	query->has_offset = true;
	return true;
}

/* ---- GET /instances/{id}/channels/{name}/output ---- */

struct output_request {
	bool events, follow;
	int64_t limit;
	struct output_query query;
};

static bool read_request(struct request *request, struct output_request *asked)
{
	const char *accept = request_header(request, "Accept");
	struct error error;
	asked->events = field_names_media_type(accept, event_stream);
	asked->follow = asked->events;
	asked->limit = INT64_MAX;
	if (!asked->events && !field_accepts_media_type(accept, "application/octet-stream")) {
		reply_problem(request, "not_acceptable",
			      "output comes as application/octet-stream or text/event-stream");
		return false;
	}
	if (request_query_boolean(request, "follow", &asked->follow, &error) < 0 ||
	    request_query_integer(request, "limit", 0, INT64_MAX, &asked->limit, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	return query_output(request, &asked->query) &&
	       (!asked->events || read_last_event(request, &asked->query));
}

void get_channel_output(struct request *request, void *data)
{
	struct app *app = data;
	struct output_request asked;
	struct output output;
	struct board *board = require_board(request, app);
	if (!board || !read_request(request, &asked) || !open_output(request, board, &asked.query, &output))
		return;
	reply_header_format(request, "Emud-First-Offset", "%lld", (long long) output.first_offset);
	reply_header_format(request, "Emud-Offset", "%lld", (long long) output.offset);
	reply_header_format(request, "Emud-Start-Number", "%lld", (long long) output.start_number);
	const struct tail_options tail = {
	    .fd = output.fd,
	    .offset = output.offset,
	    .limit = asked.limit,
	    .growth = asked.follow ? app->growth : NULL,
	    .board = board,
	    .start_number = output.start_number,
	};
	if (asked.events) {
		reply_events(request, &tail);
		return;
	}
	reply_header(request, "Cache-Control", "no-store");
	reply_tail(request, "application/octet-stream", &tail);
}
