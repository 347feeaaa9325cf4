#include "server/api/tail_reply.h"

#include "core/base/cleanup.h"
#include "core/channels/console_log.h"

#include <sys/stat.h>

/* ---- what is little and all there ---- */

enum { LITTLE_BYTES = 64 * 1024 };

static bool reply_little(struct request *request, const char *content_type, const struct tail_options *tail)
{
	struct stat status;
	if (tail->growth || fstat(tail->fd, &status) < 0)
		return false;
	int64_t length = status.st_size > tail->offset ? status.st_size - tail->offset : 0;
	if (length > tail->limit)
		length = tail->limit;
	if (length > LITTLE_BYTES)
		return false;
	char bytes[LITTLE_BYTES];
	ssize_t count = console_log_read(tail->fd, tail->offset, bytes, (size_t) length);
	if (count < 0)
		return false;
	close(tail->fd);
	reply_bytes(request, 200, content_type, bytes, (size_t) count);
	return true;
}

/* ---- what is streamed ---- */

struct tail_reply {
	struct tail *tail;
	struct reply_stream *stream;
};

static void on_ready(void *data)
{
	struct tail_reply *reply = data;
	reply_stream_wake(reply->stream);
}

static ssize_t on_read(void *out, size_t size, void *data)
{
	struct tail_reply *reply = data;
	return tail_read(reply->tail, out, size);
}

static void on_closed(void *data)
{
	struct tail_reply *reply = data;
	tail_destroy(reply->tail);
	free(reply);
}

void reply_tail(struct request *request, const char *content_type, const struct tail_options *tail)
{
	static const struct reply_stream_source source = {.read = on_read, .on_closed = on_closed};
	if (reply_little(request, content_type, tail))
		return;
	struct error error;
	struct tail_reply *reply = calloc(1, sizeof(*reply));
	if (!reply) {
		close(tail->fd);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	struct tail_options options = *tail;
	options.on_ready = on_ready;
	options.data = reply;
	reply->tail = tail_create(&options, &error);
	if (!reply->tail) {
		free(reply);
		reply_error(request, &error);
		return;
	}
	struct reply_stream *stream = reply_stream(request, 200, content_type, &source, reply);
	if (stream)
		reply->stream = stream;
}
