#pragma once

/*
 * What the files of server/http share: one request with its reply, and the server's own state.
 * Nobody outside this folder includes it.
 *
 * Journey of a request: on_uri (http_server.c) makes it; exchange.c judges its head, takes its body and
 * calls the handler; reply.c turns the handler's answer into a response; exchange.c queues it;
 * http_server.c is told of the end, logs the line and frees it. A request that waits for its answer, and a
 * stream that waits for bytes, are suspended in the library and watched by vigil.c.
 */

#include "core/base/buffer.h"
#include "core/loop/loop.h"
#include "server/http/acceptor.h"
#include "server/http/deadlines.h"
#include "server/http/http_server.h"
#include "server/http/linger.h"
#include "server/http/request.h"
#include "server/http/route_table.h"
#include "server/http/uri.h"
#include "server/http/vigil.h"

#include <microhttpd.h>

enum { REQUEST_ID_SIZE = 72, ACTOR_SIZE = 64, HOST_SIZE = 48, PEER_SIZE = 64 };

struct connection {
	struct http_server *server;
	struct MHD_Connection *mhd;
	int fd;
	bool is_lingering;     /* was answered before its body was read */
	bool has_long_timeout; /* for a stream */
	struct deadline deadline;
	char host[HOST_SIZE]; /* the peer's address without its port */
	char peer[PEER_SIZE];
};

struct header {
	struct header *next;
	char *value; /* lies behind name */
	char name[];
};

enum body_state { BODY_ABSENT, BODY_COMING, BODY_WHOLE };

struct request {
	struct http_server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct request *previous, *next;
	int64_t started_us;

	/* head */
	const char *uri_address; /* where the library holds the request target: see head_check */
	const char *method;
	const char *version;
	char *raw_query; /* "" where there is none */
	struct route_path path;
	struct route_match match;
	struct uri_parameter *parameters;
	size_t parameter_count;
	char id[REQUEST_ID_SIZE];
	char actor[ACTOR_SIZE];

	/* body */
	enum body_state body_state;
	bool is_chunked, expects_continue;
	uint64_t body_length;   /* announced; 0 when chunked */
	uint64_t body_received; /* so far */
	uint64_t body_progress; /* received when the deadline was last moved */
	struct buffer body;
	json_t *json;
	const struct body_sink *sink;
	void *sink_data;

	/* answer */
	bool head_seen, is_dispatched, is_suspended, is_gone, has_client_ended;
	void (*on_gone)(void *data);
	void *on_gone_data;
	struct header *headers;
	struct MHD_Response *response;
	unsigned status;
	uint64_t bytes;
	struct reply_stream *stream;
	unsigned patience_s; /* of the stream; 0: as usual */
	struct websocket *websocket;

	char raw[]; /* the target as sent up to '?', for the log; then room for the decoded forms */
};

struct http_server {
	struct loop *loop;
	struct log *log;
	struct route_table *routes;
	void *app;
	struct http_gate gate;
	uint64_t max_body_bytes;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch;
	struct loop_timer *pump_timer;
	bool is_pumping, is_pump_wanted, is_stopping;
	unsigned idle_timeout_s, connection_limit;
	unsigned sse_heartbeat_ms, ping_interval_ms;
	struct acceptor *acceptor;
	struct deadlines *deadlines;
	struct vigil *vigil;
	struct lingerers *lingerers;
	struct request *requests;     /* all that are not complete */
	struct websocket *websockets; /* all that are open; see websocket.c */
	uint64_t id_seed, id_count;
	struct http_server_statistics statistics;
};

/* http_server.c */
void http_server_pump_soon(struct http_server *server); /* after every resume, close and addition */

/* exchange.c: the library's handler */
enum MHD_Result exchange_on_access(void *data, struct MHD_Connection *mhd, const char *url,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_size, void **request);
void exchange_suspend(struct request *request);
void exchange_resume(struct request *request);
/* The client will send no more: it went away, as far as anybody can tell. */
void exchange_end_of_client(struct request *request);
/* Gives a suspended request up: its client went away, or the server stops. */
void exchange_abandon(struct request *request);
/* A stream or WebSocket whose caller would not be let in any more is broken off. */
void exchange_judge_again(struct request *request);

/* body.c */
/* 0, or a negative errno with error set: the head's promises about the body do not suit the route. */
int body_check(struct request *request, struct error *error);
/* False: the connection must be closed. */
bool body_receive(struct request *request, const char *bytes, size_t length);
/* The body is whole: 0 and it is ready for the handler, or an error. */
int body_finish(struct request *request, struct error *error);

/* head.c */
int head_check(struct request *request, struct error *error);

/* reply.c: the one way to the library. Takes response; content_type may be NULL. */
void reply_send(struct request *request, unsigned status, const char *content_type,
		struct MHD_Response *response, uint64_t bytes);

/* reply_stream.c */
void reply_stream_abandon(struct reply_stream *stream); /* the request is about to be freed or dropped */

/* websocket.c */
void websocket_abandon(struct websocket *websocket); /* never opened */
void websocket_shutdown(struct http_server *server); /* all of them */
