#pragma once

/* A server in a thread of its own on a loopback port, and a raw-socket client for the test's thread. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/loop/listener.h"
#include "core/loop/loop.h"
#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 10 * 1000, RESPONSE_BYTES = 4 * 1024 * 1024 };

struct harness {
	struct loop *loop;
	struct log *log;
	struct http_server *server;
	struct loop_watch *stop_watch;
	uint16_t port;
	int stop_fd;
	int notices[2]; /* a handler writes a letter, the test waits for it */
	int log_pipe[2];
	pthread_t thread;
	unsigned heartbeat_ms; /* of event streams and WebSockets; set before the start; 0: as usual */
};

static inline void harness_on_stop(int events, void *data)
{
	(void) events;
	loop_stop(((struct harness *) data)->loop);
}

static inline void *harness_run(void *data)
{
	loop_run(((struct harness *) data)->loop);
	return NULL;
}

static inline void harness_start(struct harness *harness, const struct route *routes, struct http_gate gate,
				 unsigned timeout_s)
{
	struct error error = {0};
	harness->loop = loop_create(&error);
	harness->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pipe(harness->notices), 0);
	assert_int_equal(pipe(harness->log_pipe), 0);
	harness->log = log_create(harness->log_pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_KEY_VALUE);
	harness->stop_watch = loop_watch_create(harness->loop, harness->stop_fd, LOOP_READABLE,
						harness_on_stop, harness, &error);
	int listen_fd = listener_open_tcp("127.0.0.1", 0, &harness->port, &error);
	assert_true(listen_fd >= 0);
	struct http_server_options options = {.loop = harness->loop,
					      .log = harness->log,
					      .listen_fd = listen_fd,
					      .routes = routes,
					      .app = harness,
					      .gate = gate,
					      .max_body_bytes = 100 * 1000,
					      .idle_timeout_s = timeout_s,
					      .head_timeout_s = timeout_s,
					      .body_timeout_s = timeout_s,
					      .sse_heartbeat_ms = harness->heartbeat_ms,
					      .ping_interval_ms = harness->heartbeat_ms};
	harness->server = http_server_create(&options, &error);
	if (!harness->server)
		fail_msg("%s", error.message);
	assert_int_equal(pthread_create(&harness->thread, NULL, harness_run, harness), 0);
}

static inline void harness_stop_server(struct harness *harness)
{
	if (!harness->server)
		return;
	uint64_t one = 1;
	assert_int_equal(write(harness->stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_join(harness->thread, NULL);
	http_server_destroy(harness->server);
	harness->server = NULL;
}

static inline void harness_stop(struct harness *harness)
{
	harness_stop_server(harness);
	loop_watch_destroy(harness->stop_watch);
	loop_destroy(harness->loop);
	log_destroy(harness->log);
	int fds[] = {harness->stop_fd, harness->notices[0], harness->notices[1], harness->log_pipe[0],
		     harness->log_pipe[1]};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

static inline void notify(const struct harness *harness, char letter)
{
	if (write(harness->notices[1], &letter, 1) != 1)
		abort();
}

static inline bool wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	return poll(&poll_fd, 1, DEADLINE_MS) == 1;
}

static inline void expect_notice(const struct harness *harness, char letter)
{
	char got = 0;
	assert_true(wait_readable(harness->notices[0]));
	assert_int_equal(read(harness->notices[0], &got, 1), 1);
	assert_int_equal(got, letter);
}

/* ---- client ---- */

static inline int client_connect(const struct harness *harness)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(harness->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	struct timeval timeout = {.tv_sec = DEADLINE_MS / 1000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

static inline void client_send(int fd, const void *bytes, size_t length)
{
	/* A server that refuses early may hang up in the middle. */
	for (const char *at = bytes; length;) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
		if (sent < 0)
			return;
		at += sent;
		length -= (size_t) sent;
	}
}

static inline void client_send_text(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

struct response {
	char *head; /* status line and headers, NUL-terminated */
	char *body;
	size_t body_length;
	bool is_closed; /* the connection ended while reading */
	unsigned status;
};

static inline bool head_has(const struct response *response, const char *text)
{
	return strcasestr(response->head, text) != NULL;
}

/* One response: by Content-Length, chunked (kept raw, to its last chunk), or to the end. */
static inline struct response client_read_of(int fd, bool is_head)
{
	static char bytes[RESPONSE_BYTES];
	struct response response = {0};
	size_t length = 0;
	for (;;) {
		bytes[length] = '\0';
		char *end = memmem(bytes, length, "\r\n\r\n", 4);
		if (end) {
			size_t head = (size_t) (end - bytes) + 4;
			char *announced = strcasestr(bytes, "\r\nContent-Length: ");
			bool has_length = announced && announced < end;
			bool is_chunked = strcasestr(bytes, "\r\nTransfer-Encoding: chunked") != NULL;
			size_t body = has_length ? strtoul(announced + 18, NULL, 10) : 0;
			bool is_bare = is_head || strncmp(bytes + 9, "304", 3) == 0 ||
				       strncmp(bytes + 9, "204", 3) == 0 || strncmp(bytes + 9, "1", 1) == 0;
			if (is_bare || (has_length && length >= head + body) ||
			    (is_chunked && memmem(end, length - head + 4, "\r\n0\r\n\r\n", 7)) ||
			    response.is_closed) {
				response.head = bytes;
				end[2] = '\0';
				response.body = bytes + head;
				response.body_length = length - head;
				response.status = (unsigned) strtoul(bytes + 9, NULL, 10);
				return response;
			}
		}
		/* Byte by byte, so that nothing of the next response is taken. */
		ssize_t count = response.is_closed ? 0 : recv(fd, bytes + length, 1, 0);
		if (count <= 0) {
			if (response.is_closed) {
				response.head = response.body = bytes;
				return response;
			}
			response.is_closed = true;
			continue;
		}
		length += (size_t) count;
		assert_true(length + 1 < sizeof(bytes));
	}
}

static inline struct response client_read(int fd)
{
	return client_read_of(fd, false);
}

/* Connects, sends, reads one response, hangs up. */
static inline struct response exchange(const struct harness *harness, const char *request)
{
	int fd = client_connect(harness);
	client_send_text(fd, request);
	struct response response = client_read_of(fd, strncmp(request, "HEAD ", 5) == 0);
	close(fd);
	return response;
}

static inline bool client_is_closed(int fd)
{
	char byte;
	return recv(fd, &byte, 1, 0) <= 0;
}
