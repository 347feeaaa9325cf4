#pragma once

/* libmicrohttpd in the loop: one thread, its epoll descriptor watched, every trap of 0.9.75 dealt with. */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/loop/loop.h"
#include "server/http/router.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;

/* Judged from the headers of every request, before its body: who may call. */
struct http_gate {
	/* 0, or a negative errno with error's code set ("unauthorized", "host_not_allowed",
	 * "origin_not_allowed"): the request is refused with that problem. May set the actor (who asks). */
	int (*admit)(struct request *request, struct error *error, void *data);
	/* Optional. Of one that was let in: -EACCES with error's message set where it would not be any more.
	 */
	int (*admits_still)(const struct request *request, struct error *error, void *data);
	void *data;
};

struct http_server_options {
	struct loop *loop;
	struct log *log; /* one line a request: method, path, status, bytes, duration, request id, actor */
	int listen_fd;   /* taken; listening already */
	const struct route *routes; /* ends with a NULL pattern; see router.h */
	void *app;                  /* handed to every handler */
	struct http_gate gate;
	uint64_t max_body_bytes;   /* default for routes that name no limit of their own */
	unsigned idle_timeout_s;   /* 0: 60 */
	unsigned head_timeout_s;   /* from the connection to its first whole head; 0: 30 */
	unsigned body_timeout_s;   /* for each 64 KiB of a body, or all of a smaller one; 0: 60 */
	unsigned sse_heartbeat_ms; /* 0: 15 s */
	unsigned ping_interval_ms; /* of WebSockets; 0: 30 s */
};

struct http_server *http_server_create(const struct http_server_options *options, struct error *error);
/* Counters for /metrics. */
struct http_server_statistics {
	uint64_t requests, responses_by_class[6], bytes_sent;
	unsigned connections, websockets, streams;
};
void http_server_statistics(const struct http_server *server, struct http_server_statistics *ret_statistics);
/* What lets callers in has changed: WebSockets and streams of those who would not be let in now are ended.
 * Not from within a stream's read. */
void http_server_judge_again(struct http_server *server);
/* Stops accepting; long replies, streams and WebSockets are ended; then everything is freed. */
void http_server_destroy(struct http_server *server);
