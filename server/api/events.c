#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/events/event_types.h"
#include "server/events/events.h"
#include "server/http/field.h"
#include "server/http/sse.h"
#include "server/watch/samples.h"

#include <inttypes.h>
#include <string.h>

/* PATIENCE_S: whoever takes nothing for that long is sent away, and comes back with the last id it has. */
enum { RETRY_MS = 1000, PATIENCE_S = 30 };

/* ---- what is asked ---- */

static bool is_number(const char *text)
{
	int64_t number;
	return text_to_int64(text, &number) == 0 && number > 0;
}

/* Borrowed from the request. False: a problem was replied. */
static bool read_filter(struct request *request, struct event_filter *ret_filter)
{
	const struct event_filter filter = {.type = request_query(request, "type"),
					    .instance = request_query(request, "instance"),
					    .run = request_query(request, "run")};
	if (filter.type && !event_types_has(filter.type))
		reply_problem(request, "invalid_parameter",
			      "type must be that of an event, such as instance.state, or a group of them, "
			      "such as instance.*; there is no %.100s",
			      filter.type);
	else if (filter.instance && !text_is_id(filter.instance))
		reply_problem(request, "invalid_parameter", "instance must be an instance's id");
	else if (filter.run && !is_number(filter.run))
		reply_problem(request, "invalid_parameter", "run must be a run's id, which is a number");
	else {
		*ret_filter = filter;
		return true;
	}
	return false;
}

/* An id that stands as text; false: a problem was replied. */
static bool read_id(struct request *request, const char *text, const char *complaint, int64_t *ret_id)
{
	if (text_to_int64(text, ret_id) == 0 && *ret_id >= 0)
		return true;
	reply_problem(request, "invalid_parameter", "%s", complaint);
	return false;
}

/* ---- as server-sent events ---- */

struct stream {
	struct sse *sse; /* NULL until it stands */
	struct event_listener *listener;
	struct sample_listener *samples; /* NULL: none are asked for */
	bool is_full;                    /* until on_writable */
};

static int send(struct stream *stream, const char *type, int64_t id, const json_t *data)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, id);
	int result = data ? sse_send(stream->sse, type, text, data) : -ENOMEM;
	stream->is_full |= result == -EAGAIN;
	if (result < 0 && result != -EAGAIN)
		sse_end(stream->sse);
	return result;
}

/* Without an id, so that a client that comes back goes on behind the last event that is kept; and never where
 * kept ones have to wait. */
static int on_sample(const json_t *sample, void *data)
{
	struct stream *stream = data;
	if (stream->is_full)
		return -EAGAIN;
	stream->is_full = sse_send(stream->sse, "instance.sample", NULL, sample) == -EAGAIN;
	return 0;
}

static int on_event(int64_t id, const char *type, const json_t *event, void *data)
{
	return send(data, type, id, event);
}

static json_t *describe_dropped(int64_t since, int64_t first_id)
{
	return json_pack("{s:I, s:I}", "since", (json_int_t) since, "first_id", (json_int_t) first_id);
}

/* Its id is that of the last one that is gone: who comes back with it goes on behind. */
static int on_dropped(int64_t since, int64_t first_id, void *data)
{
	cleanup_json json_t *dropped = describe_dropped(since, first_id);
	return send(data, "events.dropped", first_id - 1, dropped);
}

static void on_writable(struct sse *sse, void *data)
{
	(void) sse;
	struct stream *stream = data;
	stream->is_full = false;
	event_listener_resume(stream->listener);
	if (stream->samples)
		sample_listener_resume(stream->samples);
}

static void on_closed(void *data)
{
	struct stream *stream = data;
	event_listener_destroy(stream->listener);
	sample_listener_destroy(stream->samples);
	free(stream);
}

static bool wants_samples(const struct event_filter *filter)
{
	return !filter->run && (!filter->type || event_type_fits("instance.sample", filter->type));
}

static void follow_events(struct request *request, struct app *app, const struct event_filter *filter,
			  int64_t since, bool with_samples)
{
	static const struct event_listener_events listening = {.on_event = on_event,
							       .on_dropped = on_dropped};
	static const struct sse_events events = {.on_writable = on_writable, .on_closed = on_closed};
	struct error error;
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	stream->listener = event_listener_create(app->events, filter, since, &listening, stream, &error);
	if (stream->listener && with_samples)
		stream->samples =
		    sample_listener_create(app->samples, filter->instance, on_sample, stream, &error);
	if (!stream->listener || (with_samples && !stream->samples)) {
		on_closed(stream);
		reply_error(request, &error);
		return;
	}
	struct sse *sse = sse_create(request, RETRY_MS, &events, stream);
	if (!sse)
		return;
	stream->sse = sse;
	sse_set_patience(sse, PATIENCE_S);
}

/* From now on, unless said: Last-Event-ID is what a client that comes back has, whatever it asked for first.
 */
static void stream_events(struct request *request, struct app *app, const struct event_filter *filter)
{
	const char *last = request_header(request, "Last-Event-ID");
	const char *since = request_query(request, "since");
	int64_t cursor = events_last_id(app->events);
	bool with_samples = false;
	struct error error;
	if (request_query_boolean(request, "samples", &with_samples, &error) < 0)
		reply_error(request, &error);
	else if (request_query(request, "limit") || request_query(request, "cursor") ||
		 request_query(request, "order"))
		reply_problem(request, "invalid_parameter",
			      "limit, cursor and order are for pages: an event stream goes on from since");
	else if ((!since || read_id(request, since, "since must be the id of an event, or 0", &cursor)) &&
		 (!last || !last[0] ||
		  read_id(request, last, "Last-Event-ID must be the id of an event of this stream", &cursor)))
		follow_events(request, app, filter, cursor, with_samples && wants_samples(filter));
}

/* ---- as a page ---- */

/* Looks at EVENTS_PER_TURN events a turn, so that a filter that few fit holds up nobody. */
struct page {
	struct request *request;
	struct app *app;
	struct event_filter filter; /* borrowed from the request */
	enum events_order order;
	int64_t limit, cursor;
	int64_t since;   /* what is not behind it is not asked for */
	int64_t last_id; /* what comes later belongs to the next page */
	json_t *items, *dropped;
	int64_t last_item;
	bool has_more;
	struct loop_deferred *turn;
};

static void destroy_page(void *data)
{
	struct page *page = data;
	loop_deferred_cancel(page->turn);
	json_decref(page->items);
	json_decref(page->dropped);
	free(page);
}

static int take(int64_t id, const char *type, const json_t *event, void *data)
{
	(void) type;
	struct page *page = data;
	if (id > page->last_id || id <= page->since)
		return 1;
	page->has_more = (int64_t) json_array_size(page->items) == page->limit;
	if (page->has_more)
		return 1;
	page->last_item = id;
	return json_array_append(page->items, (json_t *) event);
}

static void reply_page(struct page *page)
{
	struct request *request = page->request;
	char cursor[24];
	snprintf(cursor, sizeof(cursor), "%" PRId64, page->last_item);
	json_t *json =
	    json_pack("{s:O, s:s?, s:O?, s:I, s:I}", "events", page->items, "next_cursor",
		      page->has_more ? cursor : NULL, "dropped", page->dropped, "first_id",
		      (json_int_t) events_first_id(page->app->events), "last_id", (json_int_t) page->last_id);
	destroy_page(page);
	reply_json(request, 200, json);
}

static bool is_at_end(const struct page *page)
{
	return page->order == EVENTS_NEWEST_FIRST ? page->cursor <= page->since + 1
						  : page->cursor >= page->last_id;
}

/* A cursor that stays where it is: the rest went meanwhile. */
static void look_on(void *data)
{
	struct page *page = data;
	struct error error;
	page->turn = NULL;
	int64_t before = page->cursor;
	int result =
	    events_read(page->app->events, &page->filter, page->order, &page->cursor, take, page, &error);
	if (!result && (page->has_more || page->cursor == before || is_at_end(page))) {
		reply_page(page);
		return;
	}
	if (!result)
		page->turn = loop_defer(page->app->loop, look_on, page, &error);
	if (page->turn)
		return;
	struct request *request = page->request;
	destroy_page(page);
	reply_error(request, &error);
}

/* What is behind `since`; what is gone of that is told. */
static void begin_behind(struct page *page, int64_t since, bool is_asked)
{
	int64_t first = events_first_id(page->app->events);
	bool is_kept = since + 1 >= first && since <= page->last_id;
	page->since = is_kept ? since : first - 1;
	if (is_asked && !is_kept)
		page->dropped = describe_dropped(since, first);
}

struct place {
	enum events_order order;
	int64_t limit, since, cursor; /* -1: not said */
};

/* False: a problem was replied. */
static bool read_place(struct request *request, struct place *ret_place)
{
	struct page_query query;
	struct place place = {.since = -1, .cursor = -1};
	const char *since = request_query(request, "since");
	const char *order = request_query(request, "order");
	if (!query_page(request, &query) ||
	    (since && !read_id(request, since, "since must be the id of an event, or 0", &place.since)) ||
	    (query.cursor &&
	     !read_id(request, query.cursor, "cursor is not a next_cursor of this list", &place.cursor)))
		return false;
	if (order && strcmp(order, "newest") != 0 && strcmp(order, "oldest") != 0) {
		reply_problem(request, "invalid_parameter",
			      "order must be oldest or newest: those that come first");
		return false;
	}
	place.limit = query.limit;
	place.order = order && order[0] == 'n' ? EVENTS_NEWEST_FIRST : EVENTS_OLDEST_FIRST;
	*ret_place = place;
	return true;
}

/* The oldest first: a cursor is where the page before came to, so the same as since. Else that is where it
 * came down to. */
static void begin(struct page *page, const struct place *place)
{
	bool is_resumed = place->cursor >= 0;
	if (place->order == EVENTS_OLDEST_FIRST) {
		int64_t behind = is_resumed ? place->cursor : place->since;
		begin_behind(page, behind < 0 ? 0 : behind, behind >= 0);
		page->cursor = page->since;
	} else {
		begin_behind(page, place->since < 0 ? 0 : place->since, place->since >= 0);
		page->cursor =
		    is_resumed && place->cursor <= page->last_id ? place->cursor : page->last_id + 1;
	}
}

static void list_page(struct request *request, struct app *app, const struct event_filter *filter)
{
	struct place place;
	if (!read_place(request, &place))
		return;
	struct page *page = calloc(1, sizeof(*page));
	json_t *items = json_array();
	if (!page || !items) {
		free(page);
		json_decref(items);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*page = (struct page){.request = request,
			      .app = app,
			      .filter = *filter,
			      .order = place.order,
			      .limit = place.limit,
			      .last_id = events_last_id(app->events),
			      .items = items};
	begin(page, &place);
	request_on_gone(request, destroy_page, page);
	look_on(page);
}

void list_events(struct request *request, void *app)
{
	struct event_filter filter;
	if (!read_filter(request, &filter))
		return;
	if (field_names_media_type(request_header(request, "Accept"), "text/event-stream"))
		stream_events(request, app, &filter);
	else if (request_query(request, "samples"))
		reply_problem(
		    request, "invalid_parameter",
		    "samples are not kept, so no page has them: ask with Accept: text/event-stream");
	else
		list_page(request, app, &filter);
}
