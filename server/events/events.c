#include "server/events/events.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/events/event_types.h"
#include "server/store/events.h"

#include <string.h>
#include <sys/queue.h>

/* So many are deleted in a turn of the loop; so many of one turn are kept for listeners that have all before.
 */
enum { PURGED_PER_TURN = 256, RECENT_MAX = 256, PURGE_RETRY_MS = 60000 };

struct event_listener {
	TAILQ_ENTRY(event_listener) link;
	struct events *events;
	char *type, *instance, *run;
	int64_t cursor; /* the last one looked at */
	bool is_held;   /* until event_listener_resume */
	const struct event_listener_events *callbacks;
	void *data;
};

struct events {
	struct loop *loop;
	struct store *store;
	struct log *log;
	uint64_t kept_max;
	int64_t age_max_ms;
	struct events_kept kept;
	int64_t last_time_ms; /* of what was published last */
	TAILQ_HEAD(, event_listener) listeners;
	json_t *recent; /* the newest ones, in order, while listeners have not had their turn */
	struct loop_deferred *turn, *purge_turn;
	struct loop_timer *expiry; /* of the oldest one */
};

static void log_failure(const struct events *events, const struct error *error)
{
	log_event(events->log, LOG_LEVEL_ERROR, "store.failed", "detail", error->message, NULL);
}

/* ---- retention ---- */

static int64_t count_kept(const struct events *events)
{
	return events->kept.last_id - events->kept.first_id + 1;
}

static bool is_over(const struct events *events, uint64_t margin)
{
	return (uint64_t) count_kept(events) > events->kept_max + margin ||
	       events->kept.first_time_ms < clock_wall_ms() - events->age_max_ms;
}

/* A little later than the oldest one expires, so that many go at once. */
static void watch_age(struct events *events)
{
	if (events->kept.first_time_ms == INT64_MAX)
		return;
	int64_t left_ms = events->kept.first_time_ms + events->age_max_ms - clock_wall_ms();
	loop_timer_start(events->expiry,
			 (uint64_t) (left_ms > 0 ? left_ms : 0) + (uint64_t) events->age_max_ms / 64 + 1);
}

static void on_purge_turn(void *data)
{
	struct events *events = data;
	struct error error;
	events->purge_turn = NULL;
	int64_t up_to = events->kept.last_id - (int64_t) events->kept_max;
	int64_t before_ms = clock_wall_ms() - events->age_max_ms;
	if (events_purge(events->store, up_to, before_ms, PURGED_PER_TURN, &error) < 0 ||
	    events_find_kept(events->store, &events->kept, &error) < 0) {
		log_failure(events, &error);
		loop_timer_start(events->expiry, PURGE_RETRY_MS);
		return;
	}
	if (is_over(events, 0))
		events->purge_turn = loop_defer(events->loop, on_purge_turn, events, NULL);
	else
		watch_age(events);
}

/* Not for each event anew: when there is a handful too many. */
static void look_at_limits(struct events *events)
{
	if (!events->purge_turn && is_over(events, events->kept_max / 64))
		events->purge_turn = loop_defer(events->loop, on_purge_turn, events, NULL);
	else if (!loop_timer_is_active(events->expiry))
		watch_age(events);
}

static void on_expiry(void *data)
{
	look_at_limits(data);
}

void events_set_limits(struct events *events, const struct events_limits *limits)
{
	events->kept_max = limits->kept;
	events->age_max_ms = (int64_t) (limits->kept_age_s * 1000);
	loop_timer_stop(events->expiry);
	look_at_limits(events);
}

/* ---- reading ---- */

static bool fits(const struct event_filter *filter, const char *type, const char *instance, const char *run)
{
	return (!filter->type || event_type_fits(type, filter->type)) &&
	       (!filter->instance || text_equal(instance, filter->instance)) &&
	       (!filter->run || text_equal(run, filter->run));
}

/* Takes data. */
static json_t *make_json(const struct event_row *row, json_t *data)
{
	char time[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(row->time_ms, time);
	return json_pack("{s:I, s:s, s:s, s:s?, s:s*, s:s*, s:o}", "id", (json_int_t) row->id, "time", time,
			 "type", row->type, "actor", row->actor, "instance", row->instance, "run", row->run,
			 "data", data);
}

struct reading {
	const struct event_filter *filter;
	event_sink *sink;
	void *data;
	int64_t cursor;
	bool is_short_of_memory;
};

static int read_row(const struct event_row *row, void *data)
{
	struct reading *reading = data;
	if (fits(reading->filter, row->type, row->instance, row->run)) {
		cleanup_json json_t *event = make_json(row, json_loads(row->data, 0, NULL));
		reading->is_short_of_memory = !event;
		if (!event)
			return -ENOMEM;
		reading->cursor = row->id;
		return reading->sink(row->id, row->type, event, reading->data);
	}
	reading->cursor = row->id;
	return 0;
}

int events_read(struct events *events, const struct event_filter *filter, enum events_order order,
		int64_t *cursor, event_sink *sink, void *data, struct error *error)
{
	struct reading reading = {.filter = filter, .sink = sink, .data = data, .cursor = *cursor};
	int result = events_list(events->store, order, *cursor, EVENTS_PER_TURN, read_row, &reading, error);
	*cursor = reading.cursor;
	return result || !reading.is_short_of_memory
		   ? result
		   : error_set(error, -ENOMEM, NULL, "no memory for an event");
}

int64_t events_first_id(const struct events *events)
{
	return events->kept.first_id;
}

int64_t events_last_id(const struct events *events)
{
	return events->kept.last_id;
}

/* ---- listeners ---- */

static const char *text_member(const json_t *event, const char *name)
{
	return json_member_string(event, name, NULL);
}

/* Those that the listener has not seen are among the newest ones. */
static void give_recent(struct event_listener *listener, const struct event_filter *filter)
{
	struct events *events = listener->events;
	int64_t first = events->kept.last_id + 1 - (int64_t) json_array_size(events->recent);
	while (listener->cursor < events->kept.last_id && !listener->is_held) {
		int64_t id = ++listener->cursor;
		const json_t *event = json_array_get(events->recent, (size_t) (id - first));
		const char *type = text_member(event, "type");
		if (fits(filter, type, text_member(event, "instance"), text_member(event, "run")))
			listener->is_held = listener->callbacks->on_event(id, type, event, listener->data);
	}
}

static int give_kept(int64_t id, const char *type, const json_t *event, void *data)
{
	struct event_listener *listener = data;
	listener->is_held = listener->callbacks->on_event(id, type, event, listener->data);
	return listener->is_held;
}

/* Gives it what it may have in one turn; a store that fails is tried again with the next event. */
static void serve(struct event_listener *listener)
{
	struct events *events = listener->events;
	const struct event_filter filter = {
	    .type = listener->type, .instance = listener->instance, .run = listener->run};
	const struct events_kept *kept = &events->kept;
	struct error error;
	if (listener->cursor + 1 < kept->first_id || listener->cursor > kept->last_id) {
		int64_t since = listener->cursor;
		listener->cursor = kept->first_id - 1;
		listener->is_held = listener->callbacks->on_dropped(since, kept->first_id, listener->data);
	}
	if (listener->is_held || listener->cursor == kept->last_id)
		return;
	if (listener->cursor + (int64_t) json_array_size(events->recent) >= kept->last_id)
		give_recent(listener, &filter);
	else if (events_read(events, &filter, EVENTS_OLDEST_FIRST, &listener->cursor, give_kept, listener,
			     &error) < 0)
		log_failure(events, &error);
}

static void on_turn(void *data);

static void schedule(struct events *events)
{
	if (!events->turn)
		events->turn = loop_defer(events->loop, on_turn, events, NULL);
}

static void on_turn(void *data)
{
	struct events *events = data;
	struct event_listener *listener;
	events->turn = NULL;
	TAILQ_FOREACH (listener, &events->listeners, link) {
		int64_t before = listener->cursor;
		if (!listener->is_held)
			serve(listener);
		if (!listener->is_held && listener->cursor != before &&
		    listener->cursor != events->kept.last_id)
			schedule(events);
	}
	json_array_clear(events->recent);
}

struct event_listener *event_listener_create(struct events *events, const struct event_filter *filter,
					     int64_t since, const struct event_listener_events *callbacks,
					     void *data, struct error *error)
{
	struct event_listener *listener = calloc(1, sizeof(*listener));
	if (!listener) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*listener = (struct event_listener){
	    .events = events,
	    .type = filter->type ? strdup(filter->type) : NULL,
	    .instance = filter->instance ? strdup(filter->instance) : NULL,
	    .run = filter->run ? strdup(filter->run) : NULL,
	    .cursor = since,
	    .callbacks = callbacks,
	    .data = data,
	};
	TAILQ_INSERT_TAIL(&events->listeners, listener, link);
	bool is_whole = !filter->type == !listener->type && !filter->instance == !listener->instance &&
			!filter->run == !listener->run;
	if (is_whole) {
		schedule(events);
		return listener;
	}
	event_listener_destroy(listener);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void event_listener_destroy(struct event_listener *listener)
{
	if (!listener)
		return;
	TAILQ_REMOVE(&listener->events->listeners, listener, link);
	free(listener->type);
	free(listener->instance);
	free(listener->run);
	free(listener);
}

size_t events_count_listeners(const struct events *events)
{
	size_t count = 0;
	const struct event_listener *listener;
	TAILQ_FOREACH (listener, &events->listeners, link)
		count++;
	return count;
}

void event_listener_resume(struct event_listener *listener)
{
	listener->is_held = false;
	schedule(listener->events);
}

/* ---- publishing ---- */

/* For listeners that are up to date: none of them asks the store for it. */
static void keep_recent(struct events *events, const struct event_row *row, json_t *data)
{
	json_t *event =
	    json_array_size(events->recent) < RECENT_MAX ? make_json(row, json_incref(data)) : NULL;
	if (!event || json_array_append_new(events->recent, event) < 0)
		json_array_clear(events->recent);
}

/* It is in the store: those who listen are to hear of it. */
static void tell(struct events *events, const struct event_row *row, json_t *data)
{
	if (count_kept(events) == 0)
		events->kept.first_time_ms = row->time_ms;
	events->kept.last_id = row->id;
	events->last_time_ms = row->time_ms;
	if (!TAILQ_EMPTY(&events->listeners)) {
		keep_recent(events, row, data);
		schedule(events);
	} else {
		json_array_clear(events->recent);
	}
	look_at_limits(events);
}

/* Their order is that of their times: what is learnt of late has happened now. */
static struct event_row make_row(const struct events *events, const struct event *event, const char *text)
{
	bool has_time = event->time_ms && event->time_ms >= events->last_time_ms;
	return (struct event_row){
	    .time_ms = has_time ? event->time_ms : clock_wall_ms(),
	    .type = event->type,
	    .actor = event->actor,
	    .instance = event->instance,
	    .run = event->run,
	    .data = text ? text : "{}",
	};
}

void events_publish(struct events *events, const struct event *event)
{
	cleanup_json json_t *data = event->data ? event->data : json_object();
	cleanup_free char *text = json_to_text(data);
	struct event_row row = make_row(events, event, text);
	struct error error;
	if (events_insert(events->store, &row, &row.id, &error) < 0)
		log_failure(events, &error);
	else
		tell(events, &row, data);
}

int events_publish_with(struct events *events, const struct event *event,
			int (*write)(struct error *error, void *data), void *write_data, struct error *error)
{
	cleanup_json json_t *data = event->data ? event->data : json_object();
	cleanup_free char *text = json_to_text(data);
	int result = store_begin(events->store, error);
	if (result < 0)
		return result;
	result = write(error, write_data);
	struct event_row row = make_row(events, event, text);
	if (!result)
		result = events_insert(events->store, &row, &row.id, error);
	result = store_end(events->store, result, error);
	if (!result)
		tell(events, &row, data);
	return result;
}

/* ---- coming and going ---- */

struct events *events_create(struct loop *loop, struct store *store, struct log *log,
			     const struct events_limits *limits, struct error *error)
{
	struct events *events = calloc(1, sizeof(*events));
	if (!events) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*events = (struct events){.loop = loop, .store = store, .log = log, .recent = json_array()};
	TAILQ_INIT(&events->listeners);
	events->expiry = loop_timer_create(loop, on_expiry, events, error);
	if (!events->recent)
		error_set(error, -ENOMEM, NULL, "no memory");
	if (events->expiry && events->recent && events_find_kept(store, &events->kept, error) == 0) {
		events_set_limits(events, limits);
		return events;
	}
	events_destroy(events);
	return NULL;
}

void events_destroy(struct events *events)
{
	if (!events)
		return;
	loop_deferred_cancel(events->turn);
	loop_deferred_cancel(events->purge_turn);
	loop_timer_destroy(events->expiry);
	json_decref(events->recent);
	free(events);
}
