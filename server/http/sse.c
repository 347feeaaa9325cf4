#include "server/http/sse.h"

#include "core/base/buffer.h"
#include "core/base/json.h"
#include "server/http/exchange.h"

#include <string.h>

struct sse {
	struct reply_stream *stream;
	struct loop_timer *heartbeat;
	unsigned heartbeat_ms;
	struct buffer queue;
	bool is_full, is_ended;
	const struct sse_events *events;
	void *data;
};

static void wake(struct sse *sse)
{
	if (sse->stream)
		reply_stream_wake(sse->stream);
}

static ssize_t on_read(void *out, size_t size, void *data)
{
	struct sse *sse = data;
	size_t count = sse->queue.length < size ? sse->queue.length : size;
	if (!count)
		return sse->is_ended ? -ENODATA : 0;
	memcpy(out, sse->queue.data, count);
	buffer_consume(&sse->queue, count);
	if (sse->is_full && !sse->is_ended && sse->queue.length < SSE_QUEUE_BYTES / 2) {
		sse->is_full = false;
		if (sse->events->on_writable)
			sse->events->on_writable(sse, sse->data);
	}
	return (ssize_t) count;
}

static void on_closed(void *data)
{
	struct sse *sse = data;
	loop_timer_destroy(sse->heartbeat);
	buffer_finish(&sse->queue);
	sse->events->on_closed(sse->data);
	free(sse);
}

/* A comment, which clients pass over: it keeps proxies from giving up and finds out who is gone. */
static void on_heartbeat(void *data)
{
	struct sse *sse = data;
	if (!sse->queue.length) {
		buffer_append_text(&sse->queue, ":\n\n");
		wake(sse);
	}
	loop_timer_start(sse->heartbeat, sse->heartbeat_ms);
}

struct sse *sse_create(struct request *request, unsigned retry_ms, const struct sse_events *events,
		       void *data)
{
	static const struct reply_stream_source source = {.read = on_read, .on_closed = on_closed};
	struct sse *sse = calloc(1, sizeof(*sse));
	if (!sse)
		goto no_memory;
	sse->events = events;
	sse->data = data;
	sse->heartbeat_ms = request->server->sse_heartbeat_ms;
	sse->heartbeat = loop_timer_create(request_loop(request), on_heartbeat, sse, NULL);
	if (!sse->heartbeat || buffer_append_format(&sse->queue, "retry: %u\n\n", retry_ms) < 0) {
		loop_timer_destroy(sse->heartbeat);
		buffer_finish(&sse->queue);
		free(sse);
		goto no_memory;
	}
	loop_timer_start(sse->heartbeat, sse->heartbeat_ms);
	reply_header(request, "Cache-Control", "no-store");
	reply_header(request, "X-Accel-Buffering", "no");
	struct reply_stream *stream = reply_stream(request, 200, "text/event-stream", &source, sse);
	if (!stream)
		return NULL; /* on_closed has freed it */
	sse->stream = stream;
	return sse;

no_memory:
	events->on_closed(data);
	reply_problem(request, "internal_error", "no memory for the answer");
	return NULL;
}

static bool is_line(const char *text)
{
	return !text || !strpbrk(text, "\r\n");
}

int sse_send(struct sse *sse, const char *event, const char *id, const json_t *data)
{
	if (!is_line(event) || !is_line(id))
		return -EINVAL;
	if (sse->is_ended || sse->queue.length > 2 * SSE_QUEUE_BYTES)
		return -ENOBUFS;
	/* Compact JSON has no line break, so it is one data line. */
	cleanup_free char *text = json_to_text(data);
	cleanup_buffer struct buffer frame = {0};
	if (!text || (event && buffer_append_format(&frame, "event: %s\n", event) < 0) ||
	    (id && buffer_append_format(&frame, "id: %s\n", id) < 0) ||
	    buffer_append_text(&frame, "data: ") < 0 || buffer_append_text(&frame, text) < 0 ||
	    buffer_append_text(&frame, "\n\n") < 0 ||
	    buffer_append(&sse->queue, frame.data, frame.length) < 0)
		return -ENOMEM;
	wake(sse);
	if (sse->queue.length <= SSE_QUEUE_BYTES)
		return 0;
	sse->is_full = true;
	return -EAGAIN;
}

void sse_set_patience(struct sse *sse, unsigned seconds)
{
	reply_stream_set_patience(sse->stream, seconds);
}

void sse_end(struct sse *sse)
{
	sse->is_ended = true;
	wake(sse);
}
