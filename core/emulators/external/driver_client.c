#include "core/emulators/external/driver_client.h"

#include "core/base/cleanup.h"
#include "core/base/json_lines.h"
#include "core/loop/stream.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
	/* From the end of its output to the end of its process, which says more. */
	END_GRACE_MS = 100,
	WINDOW_MS = 1000,
};

struct request {
	TAILQ_ENTRY(request) link;
	struct driver_client *client;
	json_int_t id;
	const char *command;
	struct loop_timer *deadline;
	uint64_t timeout_ms;
	struct error *refusal; /* what its deadline tells; NULL: that it passed */
	driver_client_done *on_done;
	void *data;
};

struct driver_client {
	struct loop *loop;
	const char *emulator;
	struct stream *stream; /* NULL: lost */
	const struct driver_client_events *events;
	void *data;
	struct json_lines lines;
	TAILQ_HEAD(requests, request) requests; /* oldest first */
	json_int_t last_id;
	struct loop_timer *end_grace;
	struct error reason; /* why it is lost */
	int64_t window_start_ms;
	unsigned lines_in_window;
	bool busy; /* a callback of ours is on the stack: what destroys it leaves the memory */
	bool dead;
};

static void request_destroy(struct request *request)
{
	loop_timer_destroy(request->deadline);
	free(request->refusal);
	free(request);
}

static void complete(struct request *request, const struct error *error, const json_t *result)
{
	driver_client_done *on_done = request->on_done;
	void *data = request->data;
	TAILQ_REMOVE(&request->client->requests, request, link);
	request_destroy(request);
	on_done(error, result, data);
}

static void on_deadline(void *data)
{
	struct request *request = data;
	struct error error;
	if (request->refusal)
		error = *request->refusal;
	else
		error_set(&error, -ETIMEDOUT, "emulator_timeout",
			  "the driver of %s did not answer \"%s\" within %.3g s", request->client->emulator,
			  request->command, (double) request->timeout_ms / 1000);
	complete(request, &error, NULL);
}

/* The callbacks are over: frees what was destroyed within them. */
static void leave(struct driver_client *client)
{
	client->busy = false;
	if (client->dead)
		free(client);
}

/* reason is a copy: a caller's may go with what is destroyed here. Callbacks follow; the caller leaves. */
static void lose(struct driver_client *client, struct error reason)
{
	if (!client->stream)
		return;
	client->reason = reason;
	stream_destroy(TAKE(client->stream));
	loop_timer_stop(client->end_grace);
	json_int_t last_id = client->last_id;
	struct request *request;
	while (!client->dead && (request = TAILQ_FIRST(&client->requests)) && request->id <= last_id) {
		struct error told = request->refusal ? *request->refusal : reason;
		complete(request, &told, NULL);
	}
	if (!client->dead)
		client->events->on_lost(&reason, client->data);
}

/* how is the end of a sentence about the driver. */
static void lose_for(struct driver_client *client, const char *how)
{
	struct error reason;
	error_set(&reason, -EPROTO, "emulator_error", "the driver of %s %s", client->emulator, how);
	lose(client, reason);
}

static struct request *find_request(struct driver_client *client, json_int_t id)
{
	struct request *request;
	TAILQ_FOREACH (request, &client->requests, link)
		if (request->id == id && !request->refusal)
			return request;
	return NULL;
}

/* Counts what nobody has asked for. */
static bool is_flooding(struct driver_client *client)
{
	int64_t now_ms = loop_now_ms(client->loop);
	if (now_ms - client->window_start_ms >= WINDOW_MS) {
		client->window_start_ms = now_ms;
		client->lines_in_window = 0;
	}
	return ++client->lines_in_window > DRIVER_UNASKED_LINES_PER_SECOND_MAX;
}

static void answer(struct driver_client *client, struct request *request,
		   const struct driver_message *message)
{
	struct error error;
	if (message->kind == DRIVER_RETURN) {
		complete(request, NULL, message->body);
		return;
	}
	error_set(&error, -EIO, driver_error_code(message->name), "the driver of %s: %s", client->emulator,
		  message->words);
	complete(request, &error, NULL);
}

static void dispatch_unasked(struct driver_client *client, const struct driver_message *message)
{
	struct error error;
	if (is_flooding(client)) {
		error_set(&error, -EPROTO, NULL, "said more than %d lines in a second that nobody asked for",
			  DRIVER_UNASKED_LINES_PER_SECOND_MAX);
		lose_for(client, error.message);
	} else if (message->kind == DRIVER_EVENT) {
		client->events->on_event(message->name, message->body, client->data);
	} else if (message->id > client->last_id || message->id < 1) {
		error_set(&error, -EPROTO, NULL, "answered the request %lld, which was never made",
			  (long long) message->id);
		lose_for(client, error.message);
	}
	/* Else the deadline of what it answers has passed meanwhile. */
}

static void dispatch(struct driver_client *client, const json_t *json)
{
	struct driver_message message;
	struct error error;
	if (driver_message_parse(json, &message, &error) < 0) {
		lose_for(client, error.message);
		return;
	}
	struct request *request = message.kind == DRIVER_EVENT ? NULL : find_request(client, message.id);
	if (request)
		answer(client, request, &message);
	else
		dispatch_unasked(client, &message);
}

static void lose_for_line(struct driver_client *client, const struct error *error)
{
	struct error told;
	error_set(&told, -EPROTO, NULL, "said %s%.500s",
		  error->number == -EMSGSIZE ? "" : "a line that is not JSON: ", error->message);
	lose_for(client, told.message);
}

/* Callbacks may destroy the client: the caller has set busy and leaves. */
static void feed(struct driver_client *client, const char *bytes, size_t length)
{
	struct error error;
	if (json_lines_feed(&client->lines, bytes, length, &error) < 0) {
		lose_for_line(client, &error);
		return;
	}
	while (!client->dead && client->stream) {
		cleanup_json json_t *json = json_lines_next(&client->lines, &error);
		if (!json && !error.number)
			return;
		if (json) {
			dispatch(client, json);
			continue;
		}
		lose_for_line(client, &error);
	}
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct driver_client *client = data;
	client->busy = true;
	feed(client, bytes, length);
	leave(client);
}

static void on_end(int number, void *data)
{
	(void) number;
	struct driver_client *client = data;
	loop_timer_start(client->end_grace, END_GRACE_MS);
}

static void on_end_grace(void *data)
{
	struct driver_client *client = data;
	client->busy = true;
	lose_for(client, "has closed its output");
	leave(client);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

struct driver_client *driver_client_create(struct loop *loop, int fd, const char *emulator,
					   const struct driver_client_events *events, void *data,
					   struct error *error)
{
	struct driver_client *client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	client->loop = loop;
	client->emulator = emulator;
	client->events = events;
	client->data = data;
	TAILQ_INIT(&client->requests);
	json_lines_init(&client->lines, DRIVER_LINE_BYTES_MAX);
	client->stream = stream_create(loop, fd, &stream_events, client, error);
	if (client->stream)
		client->end_grace = loop_timer_create(loop, on_end_grace, client, error);
	if (client->end_grace)
		return client;
	driver_client_destroy(client);
	return NULL;
}

void driver_client_destroy(struct driver_client *client)
{
	if (!client)
		return;
	struct error error;
	error_set(&error, -ECANCELED, "not_running", "%s is no longer there to answer", client->emulator);
	struct request *request;
	while ((request = TAILQ_FIRST(&client->requests)))
		complete(request, &error, NULL);
	stream_destroy(TAKE(client->stream));
	loop_timer_destroy(client->end_grace);
	json_lines_finish(&client->lines);
	client->dead = true;
	if (!client->busy)
		free(client);
}

/* refusal NULL: it waits for the reply to the request of that id. */
static void enqueue(struct driver_client *client, struct request template, const struct error *refusal)
{
	struct error error;
	struct request *request = calloc(1, sizeof(*request));
	struct error *kept = refusal ? malloc(sizeof(*kept)) : NULL;
	struct loop_timer *deadline =
	    request ? loop_timer_create(client->loop, on_deadline, request, NULL) : NULL;
	if (!deadline || (refusal && !kept)) {
		loop_timer_destroy(deadline);
		free(request);
		free(kept);
		error_set(&error, -ENOMEM, NULL, "no memory for a request to the driver");
		template.on_done(&error, NULL, template.data);
		return;
	}
	*request = template;
	request->client = client;
	request->deadline = deadline;
	if (kept) {
		*kept = *refusal;
		request->refusal = kept;
	}
	TAILQ_INSERT_TAIL(&client->requests, request, link);
	loop_timer_start(deadline, kept ? 0 : template.timeout_ms);
}

/* Takes json. */
static int send_line(struct driver_client *client, json_t *json, struct error *error)
{
	cleanup_json json_t *owned = json;
	cleanup_buffer struct buffer bytes = {0};
	if (!owned || json_lines_append(&bytes, owned) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory for a request to the driver");
	if (stream_queued_bytes(client->stream) + bytes.length > DRIVER_UNREAD_BYTES_MAX)
		return error_set(error, -ENOBUFS, "emulator_timeout",
				 "the driver of %s does not read its input", client->emulator);
	if (stream_write(client->stream, bytes.data, bytes.length) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory for a request to the driver");
	return 0;
}

void driver_client_request(struct driver_client *client, const char *command, const json_t *arguments,
			   uint64_t timeout_ms, driver_client_done *on_done, void *data)
{
	struct error error = client->reason;
	if (!client->stream ||
	    send_line(client, driver_request_make(client->last_id + 1, command, arguments), &error) < 0) {
		driver_client_refuse(client, &error, on_done, data);
		return;
	}
	enqueue(client,
		(struct request){.id = ++client->last_id,
				 .command = command,
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data},
		NULL);
}

void driver_client_tell(struct driver_client *client, const char *event, const json_t *event_data)
{
	if (client->stream)
		send_line(client, json_pack("{s:s, s:O}", "event", event, "data", event_data), NULL);
}

void driver_client_refuse(struct driver_client *client, const struct error *refusal,
			  driver_client_done *on_done, void *data)
{
	enqueue(client, (struct request){.id = ++client->last_id, .on_done = on_done, .data = data}, refusal);
}

/* What lies unread: no more than a socket holds. */
static void drain(struct driver_client *client)
{
	char bytes[16384];
	ssize_t count = 1;
	while (count > 0 && !client->dead && client->stream) {
		count = recv(stream_fd(client->stream), bytes, sizeof(bytes), MSG_DONTWAIT);
		if (count > 0)
			feed(client, bytes, (size_t) count);
	}
}

void driver_client_end(struct driver_client *client, const struct error *reason)
{
	bool was_busy = client->busy;
	client->busy = true;
	drain(client);
	if (!client->dead)
		lose(client, *reason);
	client->busy = was_busy;
	if (client->dead && !was_busy)
		free(client);
}

const char *driver_client_waits_for(const struct driver_client *client)
{
	struct request *request;
	TAILQ_FOREACH (request, &client->requests, link)
		if (!request->refusal)
			return request->command;
	return NULL;
}
