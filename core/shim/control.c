#include "core/shim/control.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/json_lines.h"
#include "core/loop/listener.h"
#include "core/loop/stream.h"
#include "core/shim/commands.h"
#include "core/shim/protocol.h"

#include <fcntl.h>
#include <sys/queue.h>

enum { DEFAULT_TIMEOUT_MS = 10000, EVENT_QUEUE_BYTES_MAX = 16 * 1024 * 1024 };

struct call {
	LIST_ENTRY(call) link;
	struct connection *connection; /* NULL once it has gone */
	struct instance *instance;
	json_int_t id;
	json_t *request;
	const json_t *arguments;
};

struct connection {
	LIST_ENTRY(connection) link;
	struct control *control;
	struct stream *stream;
	struct json_lines lines;
	LIST_HEAD(, call) calls;
	bool busy; /* a callback of it is on the stack: what drops it leaves the memory */
	bool gone;
};

struct control {
	struct loop *loop;
	struct instance *instance;
	struct listener *listener;
	LIST_HEAD(, connection) connections;
	struct loop_timer *quiet_deadline;
	void (*on_quiet)(void *data);
	void *quiet_data;
};

static void drop(struct connection *connection)
{
	struct call *call;
	LIST_FOREACH (call, &connection->calls, link)
		call->connection = NULL;
	LIST_REMOVE(connection, link);
	stream_destroy(connection->stream);
	json_lines_finish(&connection->lines);
	connection->gone = true;
	if (!connection->busy)
		free(connection);
}

static void send_json(struct connection *connection, json_t *json)
{
	cleanup_buffer struct buffer line = {0};
	if (json && json_lines_append(&line, json) == 0)
		stream_write(connection->stream, line.data, line.length);
	json_decref(json);
}

/* ---- calls ---- */

static void end_call(struct call *call)
{
	if (call->connection)
		LIST_REMOVE(call, link);
	json_decref(call->request);
	free(call);
}

struct instance *call_instance(const struct call *call)
{
	return call->instance;
}

const json_t *call_arguments(const struct call *call)
{
	return call->arguments;
}

uint64_t call_timeout_ms(const struct call *call)
{
	json_int_t timeout_ms = json_member_integer(call->arguments, "timeout_ms", DEFAULT_TIMEOUT_MS);
	return timeout_ms > 0 ? (uint64_t) timeout_ms : 1;
}

void call_reply(struct call *call, const json_t *result)
{
	if (call->connection)
		send_json(call->connection, shim_reply_make(call->id, result));
	end_call(call);
}

void call_fail(struct call *call, const struct error *error, const json_t *extra)
{
	if (call->connection)
		send_json(call->connection, shim_error_make(call->id, error, extra));
	end_call(call);
}

int call_take_connection(struct call *call)
{
	struct connection *connection = call->connection;
	if (!connection) {
		end_call(call);
		return -EPIPE;
	}
	cleanup_json json_t *empty = json_object();
	send_json(connection, shim_reply_make(call->id, empty));
	int fd = stream_queued_bytes(connection->stream)
		     ? -EPIPE
		     : fcntl(stream_fd(connection->stream), F_DUPFD_CLOEXEC, 0);
	end_call(call);
	drop(connection);
	return fd < 0 ? -EPIPE : fd;
}

/* ---- connections ---- */

static void refuse(struct connection *connection, json_int_t id, const struct error *error)
{
	send_json(connection, shim_error_make(id, error, NULL));
}

static void take_request(struct connection *connection, json_t *json)
{
	struct shim_request request;
	struct error error;
	struct call *call = NULL;
	int result = shim_request_parse(json, &request, &error);
	if (!result && !(call = calloc(1, sizeof(*call))))
		result = error_set(&error, -ENOMEM, NULL, "no memory");
	if (result < 0) {
		refuse(connection, json_member_integer(json, "id", 0), &error);
		return;
	}
	*call = (struct call){
	    .connection = connection,
	    .instance = connection->control->instance,
	    .id = request.id,
	    .request = json_incref(json),
	    .arguments = request.arguments,
	};
	LIST_INSERT_HEAD(&connection->calls, call, link);
	command_run(request.command, call);
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct connection *connection = data;
	struct error error = {0};
	if (json_lines_feed(&connection->lines, bytes, length, &error) < 0) {
		drop(connection);
		return;
	}
	connection->busy = true;
	while (!connection->gone) {
		cleanup_json json_t *json = json_lines_next(&connection->lines, &error);
		if (json)
			take_request(connection, json);
		else if (error.number)
			refuse(connection, 0, &error);
		else
			break;
	}
	connection->busy = false;
	if (connection->gone)
		free(connection);
}

static void check_quiet(struct control *control)
{
	if (!control->on_quiet)
		return;
	struct connection *connection;
	LIST_FOREACH (connection, &control->connections, link)
		if (stream_queued_bytes(connection->stream))
			return;
	void (*on_quiet)(void *data) = TAKE(control->on_quiet);
	on_quiet(control->quiet_data);
}

static void on_end(int number, void *data)
{
	(void) number;
	struct connection *connection = data;
	struct control *control = connection->control;
	drop(connection);
	check_quiet(control);
}

static void on_drain(void *data)
{
	struct connection *connection = data;
	check_quiet(connection->control);
}

static const struct stream_events stream_events = {
    .on_data = on_data, .on_end = on_end, .on_drain = on_drain};

static void on_connection(int fd, void *data)
{
	struct control *control = data;
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->control = control;
	LIST_INIT(&connection->calls);
	json_lines_init(&connection->lines, SHIM_LINE_BYTES_MAX);
	connection->stream = stream_create(control->loop, fd, &stream_events, connection, NULL);
	if (!connection->stream) {
		json_lines_finish(&connection->lines);
		free(connection);
		return;
	}
	LIST_INSERT_HEAD(&control->connections, connection, link);
	cleanup_json json_t *status = instance_status(control->instance);
	send_json(connection, shim_greeting_make(status));
}

static void on_quiet_deadline(void *data)
{
	struct control *control = data;
	if (!control->on_quiet)
		return;
	void (*on_quiet)(void *data) = TAKE(control->on_quiet);
	on_quiet(control->quiet_data);
}

struct control *control_create(struct loop *loop, int listen_fd, struct instance *instance,
			       struct error *error)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control) {
		close(listen_fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	control->loop = loop;
	control->instance = instance;
	LIST_INIT(&control->connections);
	control->listener = listener_create(loop, listen_fd, on_connection, control, error);
	control->quiet_deadline = loop_timer_create(loop, on_quiet_deadline, control, error);
	if (control->listener && control->quiet_deadline)
		return control;
	control_destroy(control);
	return NULL;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	while (!LIST_EMPTY(&control->connections))
		drop(LIST_FIRST(&control->connections));
	listener_destroy(control->listener);
	loop_timer_destroy(control->quiet_deadline);
	free(control);
}

void control_publish(struct control *control)
{
	cleanup_json json_t *status = instance_status(control->instance);
	struct connection *connection, *next;
	for (connection = LIST_FIRST(&control->connections); connection; connection = next) {
		next = LIST_NEXT(connection, link);
		/* One that does not read is dropped; it sees the end of file and asks anew. */
		if (stream_queued_bytes(connection->stream) > EVENT_QUEUE_BYTES_MAX)
			drop(connection);
		else
			send_json(connection, shim_event_make("state", status));
	}
}

void control_finish(struct control *control, void (*on_quiet)(void *data), void *data)
{
	listener_destroy(TAKE(control->listener));
	control->on_quiet = on_quiet;
	control->quiet_data = data;
	loop_timer_start(control->quiet_deadline, CONTROL_QUIET_MS);
	check_quiet(control);
}
