#include "server/http/websocket.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/http/exchange.h"
#include "server/http/field.h"
#include "server/http/websocket_handshake.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

enum {
	UNANSWERED_MOST = 2,
	CLOSE_DEADLINE_MS = 5 * 1000,
	READ_A_TURN_BYTES = 64 * 1024,
	OUT_BYTES = 64 * 1024,
	REASON_BYTES = 123,
};

struct websocket {
	struct http_server *server;
	struct request *request;
	struct websocket *previous, *next;
	const struct websocket_events *events;
	void *data;
	struct MHD_UpgradeResponseHandle *upgrade; /* NULL until open */
	int fd;
	struct loop_watch *watch;
	struct loop_timer *timer; /* heartbeat; once closing: the deadline; once broken: the end */
	wslay_event_context_ptr wslay;
	struct buffer in;  /* what came with the handshake */
	struct buffer out; /* frames on their way to the socket */
	size_t read_budget;
	unsigned unanswered, code;
	bool is_reading, is_full, is_closing, is_broken, is_serving;
};

static size_t queued_bytes(const struct websocket *websocket)
{
	return wslay_event_get_queued_msg_length(websocket->wslay) + websocket->out.length;
}

/* ---- wslay's side ---- */

static ssize_t on_wslay_read(wslay_event_context_ptr wslay, uint8_t *out, size_t size, int flags, void *data)
{
	(void) flags;
	struct websocket *websocket = data;
	if ((!websocket->is_reading && !websocket->is_closing) || !websocket->read_budget) {
		wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (websocket->in.length) {
		size_t count = websocket->in.length < size ? websocket->in.length : size;
		memcpy(out, websocket->in.data, count);
		buffer_consume(&websocket->in, count);
		return (ssize_t) count;
	}
	if (size > websocket->read_budget)
		size = websocket->read_budget;
	ssize_t count = recv(websocket->fd, out, size, MSG_DONTWAIT);
	if (count > 0) {
		websocket->read_budget -= (size_t) count;
		return count;
	}
	bool is_dry = count < 0 && (errno == EAGAIN || errno == EINTR);
	wslay_event_set_error(wslay, is_dry ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* Frames are gathered, so that a header and its payload, and small messages, leave together. */
static ssize_t on_wslay_write(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t length, int flags,
			      void *data)
{
	(void) flags;
	struct websocket *websocket = data;
	size_t room = websocket->out.length < OUT_BYTES ? OUT_BYTES - websocket->out.length : 0;
	if (length > room)
		length = room;
	if (!length || buffer_append(&websocket->out, bytes, length) < 0) {
		wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	return (ssize_t) length;
}

/* Masks, reserved bits, UTF-8 and the order of fragments have been checked by wslay. */
static void on_wslay_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message,
			     void *data)
{
	(void) wslay;
	struct websocket *websocket = data;
	websocket->unanswered = 0;
	if (wslay_is_ctrl_frame(message->opcode) || websocket->is_closing)
		return;
	websocket->events->on_message(websocket, message->opcode == WSLAY_TEXT_FRAME, message->msg,
				      message->msg_length, websocket->data);
}

/* ---- input and output ---- */

static void flush(struct websocket *websocket)
{
	while (!websocket->is_broken) {
		if (wslay_event_send(websocket->wslay) < 0)
			websocket->is_broken = true;
		if (!websocket->out.length)
			break;
		ssize_t sent = send(websocket->fd, websocket->out.data, websocket->out.length,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (sent < 0) {
			websocket->is_broken = true;
			break;
		}
		websocket->request->bytes += (uint64_t) sent;
		buffer_consume(&websocket->out, (size_t) sent);
	}
	if (!websocket->watch)
		return;
	bool wants_read = websocket->is_reading || websocket->is_closing;
	/* What came with the handshake makes no descriptor readable: ask for another turn by other means. */
	bool wants_write = websocket->out.length || wslay_event_want_write(websocket->wslay) ||
			   (wants_read && websocket->in.length);
	loop_watch_set(websocket->watch,
		       (wants_read ? LOOP_READABLE : 0) | (wants_write ? LOOP_WRITABLE : 0));
}

static bool is_over(const struct websocket *websocket)
{
	return websocket->is_broken || (!wslay_event_want_read(websocket->wslay) &&
					!wslay_event_want_write(websocket->wslay) && !websocket->out.length);
}

static unsigned close_code(const struct websocket *websocket)
{
	if (websocket->is_closing)
		return websocket->code;
	if (!websocket->wslay)
		return WSLAY_CODE_ABNORMAL_CLOSURE;
	if (wslay_event_get_close_received(websocket->wslay))
		return wslay_event_get_status_code_received(websocket->wslay);
	return wslay_event_get_close_sent(websocket->wslay)
		   ? wslay_event_get_status_code_sent(websocket->wslay)
		   : WSLAY_CODE_ABNORMAL_CLOSURE;
}

static void release(struct websocket *websocket)
{
	struct MHD_UpgradeResponseHandle *upgrade = websocket->upgrade;
	struct http_server *server = websocket->server;
	unsigned code = close_code(websocket);
	loop_watch_destroy(websocket->watch);
	loop_timer_destroy(websocket->timer);
	if (upgrade) {
		*(websocket->previous ? &websocket->previous->next : &server->websockets) = websocket->next;
		if (websocket->next)
			websocket->next->previous = websocket->previous;
		server->statistics.websockets--;
		/* What the client may still be sending must not reset the connection before it has our
		 * close. */
		websocket->request->connection->is_lingering = !websocket->is_broken;
		shutdown(websocket->fd, SHUT_WR);
	}
	websocket->request->websocket = NULL;
	websocket->events->on_closed(websocket, code, websocket->data);
	wslay_event_context_free(websocket->wslay);
	buffer_finish(&websocket->in);
	buffer_finish(&websocket->out);
	free(websocket);
	if (upgrade) {
		MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
		http_server_pump_soon(server);
	}
}

/* Reads, writes, tells: the one place from which the end is told, so that it never comes from within a
 * call of the owner's. */
static void serve(struct websocket *websocket)
{
	websocket->is_serving = true;
	websocket->read_budget = READ_A_TURN_BYTES;
	if (wslay_event_want_read(websocket->wslay) && wslay_event_recv(websocket->wslay) < 0)
		websocket->is_broken = true;
	flush(websocket);
	/* A client that sends pings and reads no pongs. */
	if (queued_bytes(websocket) > 4 * WEBSOCKET_QUEUE_BYTES)
		websocket->is_broken = true;
	if (websocket->is_full && !websocket->is_closing && !websocket->is_broken &&
	    queued_bytes(websocket) < WEBSOCKET_QUEUE_BYTES / 2) {
		websocket->is_full = false;
		if (websocket->events->on_writable)
			websocket->events->on_writable(websocket, websocket->data);
	}
	websocket->is_serving = false;
	if (is_over(websocket))
		release(websocket);
}

static void on_ready(int events, void *data)
{
	(void) events;
	serve(data);
}

static void on_timeout(void *data)
{
	struct websocket *websocket = data;
	if (websocket->is_closing || websocket->is_broken ||
	    (websocket->is_reading && websocket->unanswered >= UNANSWERED_MOST)) {
		websocket->is_broken = true;
		release(websocket);
		return;
	}
	websocket->unanswered++;
	struct wslay_event_msg ping = {.opcode = WSLAY_PING};
	wslay_event_queue_msg(websocket->wslay, &ping);
	loop_timer_start(websocket->timer, websocket->server->ping_interval_ms);
	serve(websocket);
}

/* ---- the owner's side ---- */

int websocket_send(struct websocket *websocket, bool is_text, const void *bytes, size_t length)
{
	if (websocket->is_closing || websocket->is_broken || !websocket->upgrade)
		return -EPIPE;
	if (websocket->is_full && queued_bytes(websocket) > 2 * WEBSOCKET_QUEUE_BYTES) {
		websocket_close(websocket, WSLAY_CODE_POLICY_VIOLATION, "the client reads too slowly");
		return -EPIPE;
	}
	struct wslay_event_msg message = {
	    .opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, .msg = bytes, .msg_length = length};
	if (wslay_event_queue_msg(websocket->wslay, &message) != 0)
		return -EPIPE;
	flush(websocket);
	if (websocket->is_broken) {
		loop_timer_start(websocket->timer, 0);
		return -EPIPE;
	}
	if (queued_bytes(websocket) <= WEBSOCKET_QUEUE_BYTES)
		return 0;
	websocket->is_full = true;
	return -EAGAIN;
}

void websocket_set_reading(struct websocket *websocket, bool reading)
{
	if (websocket->is_reading == reading || !websocket->upgrade)
		return;
	websocket->is_reading = reading;
	websocket->unanswered = 0;
	if (!websocket->is_serving)
		flush(websocket);
}

/* Cuts at a character's boundary. */
static size_t reason_length(const char *reason)
{
	size_t length = strlen(reason);
	if (length <= REASON_BYTES)
		return length;
	length = REASON_BYTES;
	while (length && ((unsigned char) reason[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void websocket_close(struct websocket *websocket, unsigned code, const char *reason)
{
	if (websocket->is_closing || websocket->is_broken || !websocket->upgrade)
		return;
	websocket->is_closing = true;
	websocket->code = code;
	wslay_event_queue_close(websocket->wslay, (uint16_t) code, (const uint8_t *) reason,
				reason ? reason_length(reason) : 0);
	flush(websocket);
	loop_timer_start(websocket->timer, websocket->is_broken ? 0 : CLOSE_DEADLINE_MS);
}

/* ---- opening and ending ---- */

bool request_is_websocket(const struct request *request)
{
	return text_equal(request->method, "GET") && text_equal(request->version, "HTTP/1.1") &&
	       field_has_token(request_header(request, "Upgrade"), "websocket") &&
	       field_has_token(request_header(request, "Connection"), "upgrade") &&
	       text_equal(request_header(request, "Sec-WebSocket-Version"), "13") &&
	       websocket_key_is_valid(request_header(request, "Sec-WebSocket-Key"));
}

static void on_upgraded(void *data, struct MHD_Connection *mhd, void *context, const char *extra,
			size_t extra_length, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade)
{
	(void) mhd;
	(void) context;
	struct websocket *websocket = data;
	struct http_server *server = websocket->server;
	int on = 1;
	websocket->upgrade = upgrade;
	websocket->fd = fd;
	websocket->next = server->websockets;
	if (websocket->next)
		websocket->next->previous = websocket;
	server->websockets = websocket;
	server->statistics.websockets++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	websocket->watch = loop_watch_create(server->loop, fd, LOOP_READABLE, on_ready, websocket, NULL);
	if (!websocket->watch || server->is_stopping ||
	    (extra_length && buffer_append(&websocket->in, extra, extra_length) < 0)) {
		release(websocket);
		return;
	}
	websocket->is_reading = true;
	loop_timer_start(websocket->timer, websocket->server->ping_interval_ms);
	websocket->is_serving = true;
	/* Who was let in may have waited long for this. */
	exchange_judge_again(websocket->request);
	if (websocket->events->on_open && !websocket->is_closing)
		websocket->events->on_open(websocket, websocket->data);
	serve(websocket);
}

static struct websocket *create(struct request *request, const struct websocket_events *events,
				size_t max_message_bytes, void *data)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = on_wslay_read,
							       .send_callback = on_wslay_write,
							       .on_msg_recv_callback = on_wslay_message};
	struct websocket *websocket = calloc(1, sizeof(*websocket));
	if (!websocket)
		return NULL;
	*websocket = (struct websocket){
	    .server = request->server, .request = request, .events = events, .data = data, .fd = -1};
	websocket->timer = loop_timer_create(request->server->loop, on_timeout, websocket, NULL);
	if (websocket->timer &&
	    wslay_event_context_server_init(&websocket->wslay, &callbacks, websocket) == 0) {
		wslay_event_config_set_max_recv_msg_length(websocket->wslay, max_message_bytes);
		return websocket;
	}
	loop_timer_destroy(websocket->timer);
	free(websocket);
	return NULL;
}

void reply_websocket(struct request *request, const struct websocket_events *events, size_t max_message_bytes,
		     void *data)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];
	struct websocket *websocket = NULL;
	struct MHD_Response *response = NULL;
	if (request_is_websocket(request) &&
	    websocket_accept(request_header(request, "Sec-WebSocket-Key"), accept) == 0)
		websocket = create(request, events, max_message_bytes, data);
	if (websocket)
		response = MHD_create_response_for_upgrade(on_upgraded, websocket);
	if (!response) {
		if (websocket) {
			request->websocket = websocket;
			release(websocket);
		} else {
			events->on_closed(NULL, WSLAY_CODE_ABNORMAL_CLOSURE, data);
		}
		reply_problem(request, "upgrade_required",
			      "this is a WebSocket: ask for an upgrade (version 13)");
		return;
	}
	request->websocket = websocket;
	MHD_add_response_header(response, "Upgrade", "websocket");
	MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
	reply_send(request, MHD_HTTP_SWITCHING_PROTOCOLS, NULL, response, 0);
}

void websocket_abandon(struct websocket *websocket)
{
	release(websocket);
}

void websocket_shutdown(struct http_server *server)
{
	while (server->websockets) {
		struct websocket *websocket = server->websockets;
		websocket_close(websocket, WSLAY_CODE_GOING_AWAY, "the server stops");
		release(websocket);
	}
}
