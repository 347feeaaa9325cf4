#pragma once

/* RFC 6455 by wslay, over a connection that libmicrohttpd has upgraded. */

#include "server/http/request.h"

struct websocket;

struct websocket_events {
	/* Not called where the caller is no more let in by then. */
	void (*on_open)(struct websocket *websocket, void *data);
	/* A whole message (reassembled). Valid during the call only. */
	void (*on_message)(struct websocket *websocket, bool is_text, const void *bytes, size_t length,
			   void *data);
	/* The queue fell below half its cap after websocket_send said -EAGAIN. */
	void (*on_writable)(struct websocket *websocket, void *data);
	/* Once; the websocket is gone after it. websocket is NULL where it never came to be. Never called
	 * from within websocket_send, websocket_close or websocket_set_reading. */
	void (*on_closed)(struct websocket *websocket, unsigned code, void *data);
};

/* True if the request asks for an upgrade to a WebSocket, rightly (version 13, key). */
bool request_is_websocket(const struct request *request);

/* The reply to such a request: 101. events must be static. Heartbeat (a ping every interval of the
 * server's, closed after two unanswered) included. max_message_bytes bounds what a client may send in one
 * message. */
void reply_websocket(struct request *request, const struct websocket_events *events, size_t max_message_bytes,
		     void *data);

enum { WEBSOCKET_QUEUE_BYTES = 256 * 1024 };
/* 0; -EAGAIN: queued, but the queue is over its cap: send no more until on_writable (who does is closed with
 * 1008 once the queue is twice its cap); -EPIPE: closing. */
int websocket_send(struct websocket *websocket, bool is_text, const void *bytes, size_t length);
/* Stops and takes up reading from the client (back pressure). Messages that have been read already are still
 * delivered. */
void websocket_set_reading(struct websocket *websocket, bool reading);
/* Sends what is queued and a close frame; reason: what a person should know, at most 123 bytes. */
void websocket_close(struct websocket *websocket, unsigned code, const char *reason);
