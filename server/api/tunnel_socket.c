#include "server/api/tunnel_socket.h"

#include "core/base/buffer.h"
#include "core/loop/stream.h"
#include "server/api/websocket_codes.h"
#include "server/http/websocket.h"
#include "server/shims/shim_attach.h"

enum { ATTACH_TIMEOUT_MS = 10 * 1000, QUEUE_BYTES = 256 * 1024 };

struct tunnel_socket {
	struct request *request;
	struct shim_attach *attach;  /* until the tunnel stands */
	struct stream *stream;       /* the tunnel */
	struct buffer first;         /* what came through it before the client was there */
	struct websocket *websocket; /* NULL until open */
	bool has_ended;
	int end_number;
};

static void destroy(struct tunnel_socket *socket)
{
	shim_attach_cancel(socket->attach);
	stream_destroy(socket->stream);
	buffer_finish(&socket->first);
	free(socket);
}

/* ---- from the tunnel ---- */

static void give(struct tunnel_socket *socket, const char *bytes, size_t length)
{
	if (websocket_send(socket->websocket, false, bytes, length) == -EAGAIN && !socket->has_ended)
		stream_set_reading(socket->stream, false);
}

static void on_data(const char *bytes, size_t length, void *data)
{
	give(data, bytes, length);
}

static void close_ended(struct tunnel_socket *socket)
{
	if (socket->end_number)
		websocket_close(socket->websocket, WEBSOCKET_INTERNAL_ERROR,
				"the emulator broke the channel");
	else
		websocket_close(socket->websocket, WEBSOCKET_NORMAL, "the emulator closed the channel");
}

static void on_end(int number, void *data)
{
	struct tunnel_socket *socket = data;
	socket->has_ended = true;
	socket->end_number = number;
	if (socket->websocket)
		close_ended(socket);
}

static void on_drain(void *data)
{
	struct tunnel_socket *socket = data;
	if (socket->websocket)
		websocket_set_reading(socket->websocket, true);
}

static const struct stream_events stream_events = {
    .on_data = on_data, .on_end = on_end, .on_drain = on_drain};

/* ---- from the client ---- */

static void on_open(struct websocket *websocket, void *data)
{
	struct tunnel_socket *socket = data;
	socket->websocket = websocket;
	if (!socket->has_ended)
		stream_set_reading(socket->stream, true);
	if (socket->first.length)
		give(socket, socket->first.data, socket->first.length);
	buffer_finish(&socket->first);
	if (socket->has_ended)
		close_ended(socket);
}

static void on_message(struct websocket *websocket, bool is_text, const void *bytes, size_t length,
		       void *data)
{
	(void) is_text;
	struct tunnel_socket *socket = data;
	if (socket->has_ended)
		return;
	if (stream_write(socket->stream, bytes, length) < 0)
		websocket_close(websocket, WEBSOCKET_INTERNAL_ERROR, "no memory");
	else if (stream_queued_bytes(socket->stream) > QUEUE_BYTES)
		websocket_set_reading(websocket, false);
}

static void on_writable(struct websocket *websocket, void *data)
{
	(void) websocket;
	struct tunnel_socket *socket = data;
	if (!socket->has_ended)
		stream_set_reading(socket->stream, true);
}

static void on_closed(struct websocket *websocket, unsigned code, void *data)
{
	(void) websocket;
	(void) code;
	destroy(data);
}

static const struct websocket_events websocket_events = {
    .on_open = on_open, .on_message = on_message, .on_writable = on_writable, .on_closed = on_closed};

/* ---- attaching ---- */

static void on_gone(void *data)
{
	destroy(data);
}

static int make_stream(struct tunnel_socket *socket, int fd, const char *bytes, size_t length,
		       struct error *error)
{
	socket->stream = stream_create(request_loop(socket->request), fd, &stream_events, socket, error);
	if (!socket->stream)
		return error->number;
	stream_set_reading(socket->stream, false);
	return buffer_append(&socket->first, bytes, length) == 0
		   ? 0
		   : error_set(error, -ENOMEM, NULL, "no memory");
}

static void on_attached(const struct error *error, int fd, const char *bytes, size_t length, void *data)
{
	struct tunnel_socket *socket = data;
	struct error own_error;
	socket->attach = NULL;
	if (!error && make_stream(socket, fd, bytes, length, &own_error) < 0)
		error = &own_error;
	if (error) {
		reply_error(socket->request, error);
		destroy(socket);
		return;
	}
	reply_websocket(socket->request, &websocket_events, WEBSOCKET_MESSAGE_BYTES, socket);
}

void reply_tunnel_socket(struct request *request, struct board *board)
{
	struct error error;
	struct tunnel_socket *socket = calloc(1, sizeof(*socket));
	if (!socket) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	socket->request = request;
	socket->attach =
	    shim_attach_begin(request_loop(request), board_dirfd(board), request_parameter(request, "name"),
			      ATTACH_TIMEOUT_MS, on_attached, socket, &error);
	if (!socket->attach) {
		free(socket);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_gone, socket);
}
