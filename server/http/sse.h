#pragma once

/* Server-sent events over a streamed reply: framing, a bounded queue, a heartbeat. */

#include "server/http/request.h"

#include <jansson.h>

struct sse;

struct sse_events {
	/* Optional. The queue fell below half its cap after sse_send said -EAGAIN. */
	void (*on_writable)(struct sse *sse, void *data);
	/* Mandatory, once: the stream is over (ended, or the client went); the sse is gone after it. */
	void (*on_closed)(void *data);
};

enum { SSE_QUEUE_BYTES = 256 * 1024 };

/* The reply to the request: 200 text/event-stream, beginning with the client's reconnection time. events must
 * be static. NULL (on_closed has been called then): no memory, a problem was replied. */
struct sse *sse_create(struct request *request, unsigned retry_ms, const struct sse_events *events,
		       void *data);

/* event and id may be NULL and must hold no line break; data is sent as compact JSON. 0; -EAGAIN: queued, but
 * the queue is over its cap: send no more until on_writable; -ENOMEM; -EINVAL; -ENOBUFS: not queued, as the
 * queue is at twice its cap. */
int sse_send(struct sse *sse, const char *event, const char *id, const json_t *data);

/* A client that takes nothing for that long while something waits for it is disconnected (any other stream
 * has the patience of http_server). Before the end of the handler. */
void sse_set_patience(struct sse *sse, unsigned seconds);

/* Sends what is queued and ends the stream. */
void sse_end(struct sse *sse);
