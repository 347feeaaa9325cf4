#include "server/http/http_server.h"

#include "core/base/cleanup.h"
#include "server/http/exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

enum {
	/* A head must fit; the library clears it all after every request. */
	CONNECTION_MEMORY_BYTES = 16 * 1024,
	PUMP_ROUNDS = 8,
	NUMBER_SIZE = 24, /* any 64-bit number, a point and the end */
};

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the pump ---- */

/* Runs the library until it has nothing more to do now, then waits for its descriptor or its timeout. A
 * busy server comes back through the timer, so that the loop's other work gets its turn. What is resumed
 * within a run is not told by MHD_get_timeout: is_pump_wanted is. */
static void pump(struct http_server *server)
{
	if (server->is_pumping)
		return;
	server->is_pumping = true;
	log_hold(server->log);
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
	bool has_timeout = true;
	for (int round = 0; round < PUMP_ROUNDS; round++) {
		server->is_pump_wanted = false;
		MHD_run(server->daemon);
		has_timeout = MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES;
		if (!server->is_pump_wanted && !(has_timeout && timeout_ms == 0))
			break;
	}
	log_release(server->log);
	server->is_pumping = false;
	if (server->is_pump_wanted)
		loop_timer_start(server->pump_timer, 0);
	else if (has_timeout)
		loop_timer_start(server->pump_timer, timeout_ms);
	else
		loop_timer_stop(server->pump_timer);
}

static void on_ready(int events, void *data)
{
	(void) events;
	pump(data);
}

static void on_pump_timer(void *data)
{
	pump(data);
}

void http_server_pump_soon(struct http_server *server)
{
	if (!server->is_pumping && !server->is_pump_wanted)
		loop_timer_start(server->pump_timer, 0);
	server->is_pump_wanted = true;
}

/* ---- connections ---- */

static void format_peer(const struct sockaddr *address, char host[static HOST_SIZE],
			char out[static PEER_SIZE])
{
	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *) address;
		inet_ntop(AF_INET, &v4->sin_addr, host, HOST_SIZE);
		snprintf(out, PEER_SIZE, "%s:%u", host, ntohs(v4->sin_port));
	} else if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) address;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, HOST_SIZE);
		snprintf(out, PEER_SIZE, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		snprintf(host, HOST_SIZE, "local");
		snprintf(out, PEER_SIZE, "local");
	}
}

static void open_connection(struct http_server *server, struct MHD_Connection *mhd, void **socket_context)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	*socket_context = connection;
	if (!connection)
		return; /* on_uri refuses the request */
	connection->server = server;
	connection->mhd = mhd;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	connection->fd = info ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	format_peer(info ? info->client_addr : NULL, connection->host, connection->peer);
	deadline_set(server->deadlines, &connection->deadline, DEADLINE_HEAD);
	server->statistics.connections++;
}

static void close_connection(struct http_server *server, void **socket_context)
{
	struct connection *connection = *socket_context;
	if (!connection)
		return;
	if (connection->is_lingering && !server->is_stopping)
		lingerers_add(server->lingerers, connection->fd);
	deadline_clear(server->deadlines, &connection->deadline);
	server->statistics.connections--;
	free(connection);
	*socket_context = NULL;
	if (server->acceptor)
		acceptor_set_paused(server->acceptor, false);
	http_server_pump_soon(server);
}

static void on_connection_change(void *data, struct MHD_Connection *mhd, void **socket_context,
				 enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		open_connection(data, mhd, socket_context);
	else
		close_connection(data, socket_context);
}

static void on_accepted(int fd, const struct sockaddr *address, socklen_t address_size, void *data)
{
	struct http_server *server = data;
	/* The library closes fd where it fails. */
	MHD_add_connection(server->daemon, fd, address, address_size);
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	if (info && info->num_connections >= server->connection_limit)
		acceptor_set_paused(server->acceptor, true);
	http_server_pump_soon(server);
}

/* The shutdown makes the library read the end of the connection and let go of it. */
static void on_deadline(struct deadline *deadline)
{
	struct connection *connection =
	    (struct connection *) ((char *) deadline - offsetof(struct connection, deadline));
	shutdown(connection->fd, SHUT_RDWR);
	http_server_pump_soon(connection->server);
}

static void on_client_gone(void *data)
{
	exchange_end_of_client(data);
}

/* ---- requests ---- */

static void set_id(struct http_server *server, struct request *request)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t id = server->id_seed + server->id_count++;
	for (int i = 0; i < 16; i++)
		request->id[i] = digits[id >> (60 - 4 * i) & 15];
}

/* The library takes the target apart in place right after this, so keep a copy. NULL: no memory; the
 * connection is then closed by exchange_on_access. */
static void *on_uri(void *data, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *server = data;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info ? info->socket_context : NULL;
	size_t length = strlen(uri);
	struct request *request =
	    connection ? malloc(sizeof(*request) + 3 * (length + 1)) : NULL; /* raw, segments, whole */
	if (!request)
		return NULL;
	memset(request, 0, sizeof(*request));
	memcpy(request->raw, uri, length + 1);
	request->uri_address = uri;
	request->server = server;
	request->connection = connection;
	request->mhd = mhd;
	request->started_us = now_us();
	set_id(server, request);
	memcpy(request->actor, connection->host, sizeof(connection->host));
	request->next = server->requests;
	if (request->next)
		request->next->previous = request;
	server->requests = request;
	return request;
}

/* Every request is logged: its numbers are written without printf's cost. Returns where the text begins. */
static const char *format_number(uint64_t value, unsigned decimals, char out[static NUMBER_SIZE])
{
	char *at = &out[NUMBER_SIZE - 1];
	*at = '\0';
	for (unsigned digits = 0; digits <= decimals || value; digits++) {
		if (digits && digits == decimals)
			*--at = '.';
		*--at = (char) ('0' + value % 10);
		value /= 10;
	}
	return at;
}

static void log_request(const struct request *request, bool is_complete)
{
	char status[NUMBER_SIZE], bytes[NUMBER_SIZE], milliseconds[NUMBER_SIZE];
	if (!request->server->log)
		return;
	uint64_t us = (uint64_t) (now_us() - request->started_us);
	/* The path alone: a query may hold what is nobody's business. */
	log_event(request->server->log, LOG_LEVEL_INFO, "http.request", "method", request->method, "path",
		  request->raw, "status", format_number(request->status, 0, status), "bytes",
		  format_number(request->bytes, 0, bytes), "ms", format_number(us, 3, milliseconds),
		  "request", request->id, "actor", request->actor, "peer", request->connection->peer, "ended",
		  is_complete ? NULL : "aborted", NULL);
}

static void release_request(struct request *request)
{
	struct http_server *server = request->server;
	*(request->previous ? &request->previous->next : &server->requests) = request->next;
	if (request->next)
		request->next->previous = request->previous;
	for (struct header *header; (header = request->headers);) {
		request->headers = header->next;
		free(header);
	}
	if (request->response)
		MHD_destroy_response(request->response);
	json_decref(request->json);
	buffer_finish(&request->body);
	free(request->parameters);
	free(request);
}

static void on_completed(void *data, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode code)
{
	(void) mhd;
	struct http_server *server = data;
	struct request *request = *context;
	*context = NULL;
	if (!request)
		return;
	if (request->body_state == BODY_COMING)
		vigil_remove(server->vigil, request->connection->fd);
	bool is_complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK && !request->is_gone;
	if (request->sink && request->sink->on_abort)
		request->sink->on_abort(request->sink_data);
	if (request->on_gone && !is_complete)
		request->on_gone(request->on_gone_data);
	if (request->stream)
		reply_stream_abandon(request->stream);
	if (request->websocket)
		websocket_abandon(request->websocket);
	server->statistics.requests++;
	server->statistics.bytes_sent += request->bytes;
	if (request->status >= 100 && request->status < 600)
		server->statistics.responses_by_class[request->status / 100]++;
	if (request->head_seen)
		log_request(request, is_complete);
	deadline_set(server->deadlines, &request->connection->deadline, DEADLINE_IDLE);
	release_request(request);
}

/* ---- life ---- */

static void on_library_message(void *data, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void on_library_message(void *data, const char *format, va_list arguments)
{
	const struct http_server *server = data;
	char message[512];
	vsnprintf(message, sizeof(message), format, arguments);
	message[strcspn(message, "\n")] = '\0';
	log_event(server->log, LOG_LEVEL_DEBUG, "http.library", "message", message, NULL);
}

/* We take names and values apart ourselves, from the target as it was sent. */
static size_t keep_escaped(void *data, struct MHD_Connection *mhd, char *text)
{
	(void) data;
	(void) mhd;
	return strlen(text);
}

static int start_daemon(struct http_server *server, struct error *error)
{
	server->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
		MHD_USE_NO_LISTEN_SOCKET,
	    0, NULL, NULL, exchange_on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, server,
	    MHD_OPTION_CONNECTION_LIMIT, server->connection_limit, MHD_OPTION_CONNECTION_TIMEOUT,
	    server->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY_BYTES,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection_change, server, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, server, MHD_OPTION_END);
	if (!server->daemon)
		return error_set(error, -EIO, "no_descriptors", "cannot start the HTTP library");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->watch =
	    info ? loop_watch_create(server->loop, info->epoll_fd, LOOP_READABLE, on_ready, server, error)
		 : NULL;
	return server->watch ? 0 : -EIO;
}

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

static int start(struct http_server *server, const struct http_server_options *options, struct error *error)
{
	unsigned head_timeout_s = or_default(options->head_timeout_s, 30);
	server->idle_timeout_s = or_default(options->idle_timeout_s, 60);
	server->connection_limit = acceptor_connection_limit();
	server->sse_heartbeat_ms = or_default(options->sse_heartbeat_ms, 15 * 1000);
	server->ping_interval_ms = or_default(options->ping_interval_ms, 30 * 1000);
	const unsigned delays_ms[DEADLINE_KINDS] = {
	    [DEADLINE_HEAD] = head_timeout_s * 1000,
	    [DEADLINE_IDLE] = (server->idle_timeout_s + head_timeout_s) * 1000,
	    [DEADLINE_BODY] = or_default(options->body_timeout_s, 60) * 1000,
	};
	server->routes = route_table_create(options->routes, error);
	server->deadlines = deadlines_create(server->loop, delays_ms, on_deadline, error);
	server->vigil = vigil_create(server->loop, on_client_gone, error);
	server->lingerers = lingerers_create(server->loop);
	server->pump_timer = loop_timer_create(server->loop, on_pump_timer, server, error);
	if (!server->routes || !server->deadlines || !server->vigil || !server->lingerers ||
	    !server->pump_timer)
		return -ENOMEM;
	return start_daemon(server, error);
}

struct http_server *http_server_create(const struct http_server_options *options, struct error *error)
{
	cleanup_close int listen_fd = options->listen_fd;
	struct http_server *server = calloc(1, sizeof(*server));
	if (!server) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	server->loop = options->loop;
	server->log = options->log;
	server->app = options->app;
	server->gate = options->gate;
	server->max_body_bytes = options->max_body_bytes ? options->max_body_bytes : 1024 * 1024;
	if (getrandom(&server->id_seed, sizeof(server->id_seed), 0) < 0)
		server->id_seed = (uint64_t) now_us();
	if (start(server, options, error) == 0)
		server->acceptor =
		    acceptor_create(server->loop, TAKE_FD(listen_fd), on_accepted, server, error);
	if (server->acceptor)
		return server;
	http_server_destroy(server);
	return NULL;
}

void http_server_statistics(const struct http_server *server, struct http_server_statistics *ret_statistics)
{
	*ret_statistics = server->statistics;
}

void http_server_judge_again(struct http_server *server)
{
	for (struct request *request = server->requests; request; request = request->next)
		exchange_judge_again(request);
}

/* The library aborts the process when it is stopped with anything suspended or upgraded: end those first,
 * let it run, then stop it. */
static void stop_daemon(struct http_server *server)
{
	loop_watch_destroy(server->watch);
	server->is_pumping = true; /* nobody pumps but we, here */
	websocket_shutdown(server);
	for (bool any = true; any;) {
		any = false;
		for (struct request *request = server->requests; request; request = request->next) {
			any |= request->is_suspended;
			exchange_abandon(request);
		}
		MHD_run(server->daemon);
	}
	MHD_stop_daemon(server->daemon);
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	server->is_stopping = true;
	acceptor_destroy(server->acceptor);
	server->acceptor = NULL;
	if (server->daemon)
		stop_daemon(server);
	loop_timer_destroy(server->pump_timer);
	lingerers_destroy(server->lingerers);
	vigil_destroy(server->vigil);
	deadlines_destroy(server->deadlines);
	route_table_destroy(server->routes);
	free(server);
}
