#include "core/emulators/qemu/qmp_client.h"

#include "core/base/cleanup.h"
#include "core/loop/stream.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct request {
	TAILQ_ENTRY(request) link;
	struct qmp_client *client;
	json_int_t id;
	struct loop_timer *deadline;
	uint64_t timeout_ms;
	qmp_client_done *on_done;
	void *data;
};

struct qmp_client {
	struct loop *loop;
	struct stream *stream;
	const struct qmp_client_events *events;
	void *data;
	struct qmp_codec codec;
	TAILQ_HEAD(requests, request) requests; /* oldest first, which is QEMU's order too */
	json_int_t last_id;
	bool lost;
	bool busy; /* a callback of ours is on the stack: what destroys it leaves the memory */
	bool dead;
};

static void request_destroy(struct request *request)
{
	loop_timer_destroy(request->deadline);
	free(request);
}

static void complete(struct request *request, const struct error *error, const struct qmp_message *reply)
{
	qmp_client_done *on_done = request->on_done;
	void *data = request->data;
	TAILQ_REMOVE(&request->client->requests, request, link);
	request_destroy(request);
	on_done(error, reply, data);
}

static void on_deadline(void *data)
{
	struct request *request = data;
	struct error error = {0};
	if (request->client->lost)
		error_set(&error, -ENOTCONN, "not_running", "QEMU has ended");
	else
		error_set(&error, -ETIMEDOUT, "emulator_timeout", "QEMU did not answer within %.3g s",
			  (double) request->timeout_ms / 1000);
	complete(request, &error, NULL);
}

static struct request *find_request(struct qmp_client *client, json_int_t id)
{
	struct request *request;
	TAILQ_FOREACH (request, &client->requests, link)
		if (request->id == id)
			return request;
	return NULL;
}

static void dispatch(struct qmp_client *client, const struct qmp_message *message)
{
	if (message->kind == QMP_EVENT) {
		client->events->on_event(message->name, message->data, client->data);
		return;
	}
	/* None waits where its deadline has passed, or for a greeting. */
	struct request *request = find_request(client, message->id);
	if (!request)
		return;
	if (message->kind == QMP_RETURN) {
		complete(request, NULL, message);
		return;
	}
	struct error error = {0};
	error_set(&error, -EIO, "emulator_error", "%s", message->description);
	complete(request, &error, message);
}

/* A line that cannot be read answers the oldest request: QEMU answers in order. */
static void dispatch_unreadable(struct qmp_client *client, struct error *error)
{
	error->code = "emulator_error";
	struct request *oldest = TAILQ_FIRST(&client->requests);
	if (oldest)
		complete(oldest, error, NULL);
}

/* The callbacks are over: frees what was destroyed within them. */
static void leave(struct qmp_client *client)
{
	client->busy = false;
	if (client->dead)
		free(client);
}

static void lose(struct qmp_client *client, const struct error *reason)
{
	client->busy = true;
	client->lost = true;
	struct error error = {0};
	error_set(&error, -ENOTCONN, "not_running", "QEMU has ended");
	json_int_t last_id = client->last_id;
	struct request *request;
	while (!client->dead && (request = TAILQ_FIRST(&client->requests)) && request->id <= last_id)
		complete(request, &error, NULL);
	if (!client->dead)
		client->events->on_lost(reason, client->data);
	leave(client);
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct qmp_client *client = data;
	struct error error = {0};
	if (client->lost)
		return;
	if (qmp_codec_feed(&client->codec, bytes, length, &error) < 0) {
		stream_set_reading(client->stream, false);
		lose(client, &error);
		return;
	}
	struct qmp_message message;
	int result = 0;
	client->busy = true;
	while (!client->dead && (result = qmp_codec_next(&client->codec, &message, &error)) != 0) {
		if (result < 0) {
			dispatch_unreadable(client, &error);
			continue;
		}
		dispatch(client, &message);
		qmp_message_finish(&message);
	}
	leave(client);
}

static void on_end(int number, void *data)
{
	struct qmp_client *client = data;
	struct error error = {0};
	if (client->lost)
		return;
	if (number == 0)
		error_set(&error, -EPIPE, "not_running", "QEMU has closed its connection");
	else
		error_set_errno(&error, number, "not_running", "the connection to QEMU");
	lose(client, &error);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

struct qmp_client *qmp_client_create(struct loop *loop, int fd, const struct qmp_client_events *events,
				     void *data, struct error *error)
{
	struct qmp_client *client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	client->loop = loop;
	client->events = events;
	client->data = data;
	TAILQ_INIT(&client->requests);
	qmp_codec_init(&client->codec);
	client->stream = stream_create(loop, fd, &stream_events, client, error);
	if (!client->stream) {
		qmp_client_destroy(client);
		return NULL;
	}
	return client;
}

void qmp_client_destroy(struct qmp_client *client)
{
	if (!client)
		return;
	client->lost = true;
	struct error error = {0};
	error_set(&error, -ECANCELED, "not_running", "QEMU is no longer there to answer");
	struct request *request;
	while ((request = TAILQ_FIRST(&client->requests)))
		complete(request, &error, NULL);
	stream_destroy(client->stream);
	qmp_codec_finish(&client->codec);
	client->dead = true;
	if (!client->busy)
		free(client);
}

static int send_request(struct qmp_client *client, json_int_t id, const struct qmp_call *call)
{
	cleanup_buffer struct buffer bytes = {0};
	int result = qmp_encode(&bytes, id, call->command, call->arguments, call->wide_value);
	return result < 0 ? result : stream_write(client->stream, bytes.data, bytes.length);
}

void qmp_client_request(struct qmp_client *client, const struct qmp_call *call, qmp_client_done *on_done,
			void *data)
{
	struct error error = {0};
	struct request *request = calloc(1, sizeof(*request));
	struct loop_timer *deadline = NULL;
	if (request)
		deadline = loop_timer_create(client->loop, on_deadline, request, &error);
	if (!deadline || (!client->lost && send_request(client, client->last_id + 1, call) < 0)) {
		loop_timer_destroy(deadline);
		free(request);
		error_set(&error, -ENOMEM, NULL, "no memory for a request to QEMU");
		on_done(&error, NULL, data);
		return;
	}
	*request = (struct request){.client = client,
				    .id = ++client->last_id,
				    .deadline = deadline,
				    .timeout_ms = call->timeout_ms,
				    .on_done = on_done,
				    .data = data};
	TAILQ_INSERT_TAIL(&client->requests, request, link);
	loop_timer_start(deadline, client->lost ? 0 : call->timeout_ms);
}

void qmp_client_drain(struct qmp_client *client)
{
	char bytes[16384];
	ssize_t count;
	struct error error = {0};
	while (!client->lost &&
	       (count = recv(stream_fd(client->stream), bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		if (qmp_codec_feed(&client->codec, bytes, (size_t) count, &error) < 0)
			return;
	struct qmp_message message;
	int result;
	while ((result = qmp_codec_next(&client->codec, &message, &error)) != 0) {
		if (result < 0)
			continue;
		if (message.kind == QMP_EVENT)
			client->events->on_event(message.name, message.data, client->data);
		qmp_message_finish(&message);
	}
}
