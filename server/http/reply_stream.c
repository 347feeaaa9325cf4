#include "core/base/text.h"
#include "server/http/exchange.h"

struct reply_stream {
	struct request *request; /* NULL: complete or dropped; only on_closed is to come */
	struct http_server *server;
	const struct reply_stream_source *source;
	void *data;
	bool is_reading, is_woken;
};

static ssize_t on_read(void *data, uint64_t position, char *out, size_t size)
{
	(void) position;
	struct reply_stream *stream = data;
	struct request *request = stream->request;
	if (!request || request->is_gone || stream->server->is_stopping)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	ssize_t count = 0;
	do {
		stream->is_woken = false;
		stream->is_reading = true;
		count = stream->source->read(out, size, stream->data);
		stream->is_reading = false;
	} while (count == 0 && stream->is_woken);
	if (count > 0) {
		request->bytes += (uint64_t) count;
		return count;
	}
	if (count < 0)
		return count == -ENODATA ? MHD_CONTENT_READER_END_OF_STREAM
					 : MHD_CONTENT_READER_END_WITH_ERROR;
	/* Without this the library would ask again at once, and for ever. */
	exchange_suspend(request);
	return 0;
}

static void on_released(void *data)
{
	struct reply_stream *stream = data;
	if (stream->request)
		stream->request->stream = NULL;
	stream->server->statistics.streams--;
	stream->source->on_closed(stream->data);
	free(stream);
}

void reply_stream_abandon(struct reply_stream *stream)
{
	stream->request = NULL;
}

struct reply_stream *reply_stream(struct request *request, unsigned status, const char *content_type,
				  const struct reply_stream_source *source, void *data)
{
	enum { BLOCK_BYTES = 4096 }; /* for HTTP/1.0 alone: chunks are written where they are sent from */
	struct reply_stream *stream = request->status ? NULL : calloc(1, sizeof(*stream));
	struct MHD_Response *response = stream
					    ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
										on_read, stream, on_released)
					    : NULL;
	if (!response) {
		free(stream);
		source->on_closed(data);
		reply_problem(request, "internal_error", "no memory for the answer");
		return NULL;
	}
	*stream = (struct reply_stream){
	    .request = request, .server = request->server, .source = source, .data = data};
	/* The library would end a chunked body even where none is sent, and so spoil the next answer. */
	if (text_equal(request->method, "HEAD"))
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	request->stream = stream;
	request->server->statistics.streams++;
	reply_send(request, status, content_type, response, 0);
	return stream;
}

void reply_stream_set_patience(struct reply_stream *stream, unsigned seconds)
{
	if (stream->request)
		stream->request->patience_s = seconds;
}

void reply_stream_wake(struct reply_stream *stream)
{
	stream->is_woken = true;
	if (!stream->is_reading && stream->request)
		exchange_resume(stream->request);
}
