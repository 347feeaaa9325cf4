#pragma once

/*
 * What has happened, in one row of the store each, numbered without gaps by the order in which it happened:
 * every change of instances, runs and configuration, with who asked for it.
 *
 * A listener has a cursor and reads on from there, what is new or what the store has kept: nothing queues up
 * for it, and nothing is skipped in silence.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/loop/loop.h"
#include "server/store/events.h"
#include "server/store/store.h"

#include <jansson.h>
#include <stdint.h>

struct events;

/* At most `kept` events (a few more for a while) of at most this age are kept. */
struct events_limits {
	uint64_t kept;
	double kept_age_s;
};

struct events *events_create(struct loop *loop, struct store *store, struct log *log,
			     const struct events_limits *limits, struct error *error);
void events_destroy(struct events *events); /* listeners must be gone */
void events_set_limits(struct events *events, const struct events_limits *limits);

/* Which are kept: those from first to last; where none is, first is last + 1. */
int64_t events_first_id(const struct events *events);
int64_t events_last_id(const struct events *events);

struct event {
	const char *type;     /* "instance.state": a row of event_types.c */
	const char *actor;    /* who asked for it; NULL: nobody did */
	const char *instance; /* id, or NULL */
	const char *run;      /* id, or NULL */
	json_t *data;         /* stolen; NULL: nothing more to tell */
	/* When it happened, where that is kept elsewhere too; 0, or before the event before: now. */
	int64_t time_ms;
};

/* Keeps it and tells every listener in the next turn of the loop. A store that fails is logged: what
 * happened has happened. */
void events_publish(struct events *events, const struct event *event);

/* The same together with a change of the store: both are kept or neither, also when emud is killed. write
 * comes first and may fill what event points to. 0, or a negative errno with error set (its own, or the
 * store's): then nobody is told. */
int events_publish_with(struct events *events, const struct event *event,
			int (*write)(struct error *error, void *data), void *data, struct error *error);

/* Which events: NULL members ask for nothing. */
struct event_filter {
	const char *type; /* a row of event_types.c, or "instance.*" */
	const char *instance;
	const char *run;
};

/* event is as the API tells it, borrowed. Returns 0, or anything else to get no more for now. */
typedef int event_sink(int64_t id, const char *type, const json_t *event, void *data);

/* Gives those that fit among the next EVENTS_PER_TURN behind *cursor, in this order, and moves it to the last
 * one that was looked at. */
enum { EVENTS_PER_TURN = 512 };
int events_read(struct events *events, const struct event_filter *filter, enum events_order order,
		int64_t *cursor, event_sink *sink, void *data, struct error *error);

/* ---- listeners ---- */

struct event_listener;

/* Mandatory both. Returning anything but 0: no more until event_listener_resume. Neither may end a listener.
 */
struct event_listener_events {
	event_sink *on_event;
	/* Those between `since` and first_id are not kept any more (or since was never reached: the ids are
	 * of another store). first_id is the next one. */
	int (*on_dropped)(int64_t since, int64_t first_id, void *data);
};

/* Everything behind the id `since`, beginning in the next turn of the loop. The filter is copied; callbacks
 * must be static. */
struct event_listener *event_listener_create(struct events *events, const struct event_filter *filter,
					     int64_t since, const struct event_listener_events *callbacks,
					     void *data, struct error *error);
void event_listener_destroy(struct event_listener *listener);
size_t events_count_listeners(const struct events *events);
void event_listener_resume(struct event_listener *listener);
