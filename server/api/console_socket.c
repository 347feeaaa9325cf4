#include "server/api/console_socket.h"

#include "core/base/base64.h"
#include "core/base/buffer.h"
#include "core/base/json.h"
#include "server/api/pump.h"
#include "server/api/websocket_codes.h"
#include "server/http/websocket.h"

#include <string.h>

/* A guest that does not read its input holds the client up for as long as it takes. */
#define INPUT_TIMEOUT_MS ((uint64_t) INT64_MAX)

struct console_socket {
	struct websocket *websocket; /* NULL until open */
	struct pump *pump;
	int64_t start_number;
	struct buffer input;    /* from the client, not yet on its way */
	struct shim_call *call; /* NULL: none is under way */
	char channel[];
};

/* ---- output ---- */

static int send_position(struct console_socket *socket, int64_t offset)
{
	char text[96];
	int length = snprintf(text, sizeof(text), "{\"start_number\":%lld,\"offset\":%lld}",
			      (long long) socket->start_number, (long long) offset);
	return websocket_send(socket->websocket, true, text, (size_t) length);
}

static int on_bytes(int64_t offset, const void *bytes, size_t length, void *data)
{
	(void) offset;
	struct console_socket *socket = data;
	return websocket_send(socket->websocket, false, bytes, length);
}

static void on_gap(int64_t offset, void *data)
{
	send_position(data, offset);
}

static void on_end(int number, void *data)
{
	struct console_socket *socket = data;
	char reason[96];
	unsigned code = WEBSOCKET_NORMAL;
	enum tail_end end = tail_end(pump_tail(socket->pump));
	if (number < 0) {
		code = WEBSOCKET_INTERNAL_ERROR;
		snprintf(reason, sizeof(reason), "the output cannot be read: %s", strerror(-number));
	} else if (end == TAIL_FAILED) {
		code = WEBSOCKET_INTERNAL_ERROR;
		snprintf(reason, sizeof(reason), "start %lld of the instance has failed",
			 (long long) socket->start_number);
	} else {
		snprintf(reason, sizeof(reason), "start %lld of the instance has %s",
			 (long long) socket->start_number, end == TAIL_DELETED ? "been deleted" : "ended");
	}
	websocket_close(socket->websocket, code, reason);
}

static const struct pump_sink sink = {.on_bytes = on_bytes, .on_gap = on_gap, .on_end = on_end};

/* ---- input: one command after the other ---- */

static void send_input(struct console_socket *socket);

/* Input that a reset or the end overtook is lost, as on any wire. */
static void on_input_done(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	struct console_socket *socket = data;
	socket->call = NULL;
	send_input(socket);
}

static struct shim_call *begin_input(struct console_socket *socket, struct board *board)
{
	struct error error;
	cleanup_free char *encoded = base64_encode(socket->input.data, socket->input.length);
	cleanup_json json_t *arguments =
	    encoded ? json_pack("{s:s, s:s}", "channel", socket->channel, "base64", encoded) : NULL;
	if (!arguments)
		return NULL;
	return board_command(board, "input", arguments, INPUT_TIMEOUT_MS, on_input_done, socket, &error);
}

static void send_input(struct console_socket *socket)
{
	struct board *board = tail_board(pump_tail(socket->pump));
	if (socket->call)
		return;
	if (socket->input.length && board)
		socket->call = begin_input(socket, board);
	buffer_clear(&socket->input);
	websocket_set_reading(socket->websocket, !socket->call);
}

/* The shim takes what comes behind what is under way in its turn: nobody need wait for that. */
static void send_last_input(struct console_socket *socket)
{
	struct board *board = tail_board(pump_tail(socket->pump));
	if (socket->input.length && board)
		shim_call_cancel(begin_input(socket, board));
}

static void on_message(struct websocket *websocket, bool is_text, const void *bytes, size_t length,
		       void *data)
{
	(void) is_text;
	struct console_socket *socket = data;
	if (buffer_append(&socket->input, bytes, length) < 0)
		websocket_close(websocket, WEBSOCKET_INTERNAL_ERROR, "no memory");
	else
		send_input(socket);
}

/* ---- coming and going ---- */

static void on_open(struct websocket *websocket, void *data)
{
	struct console_socket *socket = data;
	socket->websocket = websocket;
	send_position(socket, tail_offset(pump_tail(socket->pump)));
	pump_resume(socket->pump);
}

static void on_writable(struct websocket *websocket, void *data)
{
	(void) websocket;
	struct console_socket *socket = data;
	pump_resume(socket->pump);
}

static void on_closed(struct websocket *websocket, unsigned code, void *data)
{
	(void) websocket;
	(void) code;
	struct console_socket *socket = data;
	send_last_input(socket);
	pump_destroy(socket->pump);
	shim_call_cancel(socket->call);
	buffer_finish(&socket->input);
	free(socket);
}

static const struct websocket_events events = {
    .on_open = on_open, .on_message = on_message, .on_writable = on_writable, .on_closed = on_closed};

void reply_console_socket(struct request *request, const struct tail_options *tail)
{
	const char *channel = request_parameter(request, "name");
	struct error error;
	struct console_socket *socket = calloc(1, sizeof(*socket) + strlen(channel) + 1);
	if (!socket) {
		close(tail->fd);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	strcpy(socket->channel, channel);
	socket->start_number = tail->start_number;
	socket->pump = pump_create(request_loop(request), tail, &sink, socket, &error);
	if (!socket->pump) {
		free(socket);
		reply_error(request, &error);
		return;
	}
	reply_websocket(request, &events, WEBSOCKET_MESSAGE_BYTES, socket);
}
