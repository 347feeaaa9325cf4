#pragma once

/*
 * A connected socket (or pipe, or pty master) with buffered writing, in the loop.
 *
 * Owns its descriptor. Bytes written are sent at once where possible; what the peer does not take yet is
 * queued. A stream never drops bytes: a caller that must bound the queue asks stream_queued_bytes and
 * pauses its source until on_drain.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stddef.h>

struct stream;

struct stream_events {
	/* Mandatory. Bytes arrived (valid during the call only). */
	void (*on_data)(const char *bytes, size_t length, void *data);
	/* Mandatory. The stream has ended: 0 for end of file, a negative errno otherwise. Called once; the
	 * caller destroys the stream (here or later). Nothing is called after it. */
	void (*on_end)(int number, void *data);
	/* Optional. The queue has become empty after it was not. */
	void (*on_drain)(void *data);
};

/* Takes fd (closed even on failure) and makes it non-blocking. events must outlive the stream. */
struct stream *stream_create(struct loop *loop, int fd, const struct stream_events *events, void *data,
			     struct error *error);

/* 0 or -ENOMEM; a broken connection is told by on_end, later, not here. */
int stream_write(struct stream *stream, const void *bytes, size_t length);
size_t stream_queued_bytes(const struct stream *stream);

/* Stops and takes up reading (a consumer that is behind). */
void stream_set_reading(struct stream *stream, bool reading);

/* Sends what is queued, then shuts the sending half down; reading goes on. */
void stream_finish_writing(struct stream *stream);

int stream_fd(const struct stream *stream);
void stream_destroy(struct stream *stream);
