#include "core/emulators/renode/robot_client.h"

#include "core/base/cleanup.h"
#include "core/emulators/renode/robot.h"
#include "core/loop/stream.h"

#include <http_parser.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

enum { BODY_BYTES_MAX = 16 * 1024 * 1024 };

struct request {
	TAILQ_ENTRY(request) link;
	struct robot_client *client;
	struct buffer bytes;
	struct loop_timer *deadline;
	uint64_t timeout_ms;
	robot_done *on_done;
	void *data;
};

TAILQ_HEAD(requests, request);

struct robot_client {
	struct loop *loop;
	struct network *network;
	uint16_t port;
	struct requests requests; /* the first is under way, or about to be */
	struct loop_deferred *next;
	struct stream *stream; /* of the first one; NULL: not begun */
	struct http_parser parser;
	struct buffer body;
	bool is_complete; /* the answer is whole */
};

/* ---- one request's end ---- */

static void request_destroy(struct request *request)
{
	loop_timer_destroy(request->deadline);
	buffer_finish(&request->bytes);
	free(request);
}

static void begin_next(void *data);

static void schedule(struct robot_client *client)
{
	if (!client->next && !client->stream && !TAILQ_EMPTY(&client->requests))
		client->next = loop_defer(client->loop, begin_next, client, NULL);
}

static void hang_up(struct robot_client *client)
{
	if (client->stream) {
		stream_destroy(TAKE(client->stream));
		network_hang_up(client->network, client->port);
	}
	buffer_finish(&client->body);
}

/* on_done may make further requests. */
static void complete(struct request *request, const struct error *error, const char *text)
{
	struct robot_client *client = request->client;
	robot_done *on_done = request->on_done;
	void *data = request->data;
	if (request == TAILQ_FIRST(&client->requests))
		hang_up(client);
	TAILQ_REMOVE(&client->requests, request, link);
	request_destroy(request);
	schedule(client);
	on_done(error, text, data);
}

static void fail(struct request *request, int number, const char *message)
{
	struct error error = {0};
	error_set_errno(&error, number, "not_running", "%s", message);
	error.number = number;
	complete(request, &error, NULL);
}

static void on_deadline(void *data)
{
	struct request *request = data;
	struct error error = {0};
	error_set(&error, -ETIMEDOUT, "emulator_timeout", "Renode did not answer within %.3g s",
		  (double) request->timeout_ms / 1000);
	complete(request, &error, NULL);
}

/* ---- the answer ---- */

static int on_body(http_parser *parser, const char *bytes, size_t length)
{
	struct robot_client *client = parser->data;
	if (client->body.length + length > BODY_BYTES_MAX)
		return -1;
	return buffer_append(&client->body, bytes, length);
}

static int on_message_complete(http_parser *parser)
{
	struct robot_client *client = parser->data;
	client->is_complete = true;
	return 0;
}

static const http_parser_settings parser_settings = {.on_body = on_body,
						     .on_message_complete = on_message_complete};

static void finish_answer(struct robot_client *client)
{
	struct error error = {0};
	cleanup_free char *text = NULL;
	if (client->parser.status_code != 200)
		error_set(&error, -EBADMSG, "emulator_error", "the robot port answers HTTP status %u",
			  client->parser.status_code);
	else
		text = robot_decode(client->body.data ? client->body.data : "", client->body.length, &error);
	complete(TAILQ_FIRST(&client->requests), text ? NULL : &error, text);
}

/* Zero bytes: the end of the connection, which may be that of the answer. False: the request is over. */
static bool feed(struct robot_client *client, const char *bytes, size_t length)
{
	struct request *request = TAILQ_FIRST(&client->requests);
	http_parser_execute(&client->parser, &parser_settings, bytes, length);
	if (client->is_complete) {
		finish_answer(client);
		return false;
	}
	if (HTTP_PARSER_ERRNO(&client->parser) == HPE_OK)
		return true;
	struct error error = {0};
	error_set(&error, -EBADMSG, "emulator_error", "the robot port's answer is no HTTP: %s",
		  http_errno_description(HTTP_PARSER_ERRNO(&client->parser)));
	complete(request, &error, NULL);
	return false;
}

static void on_data(const char *bytes, size_t length, void *data)
{
	feed(data, bytes, length);
}

static void on_end(int number, void *data)
{
	struct robot_client *client = data;
	struct request *request = TAILQ_FIRST(&client->requests);
	if (number == 0 && !feed(client, NULL, 0))
		return;
	fail(request, number ? number : -ECONNRESET, "Renode's robot port");
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

/* ---- the way there ---- */

static void begin_next(void *data)
{
	struct robot_client *client = data;
	struct error error = {0};
	client->next = NULL;
	struct request *request = TAILQ_FIRST(&client->requests);
	if (!request)
		return;
	int fd = network_dial(client->network, client->port, &error);
	if (fd >= 0)
		client->stream = stream_create(client->loop, fd, &stream_events, client, &error);
	if (!client->stream) {
		error.code = "not_running";
		complete(request, &error, NULL);
		return;
	}
	http_parser_init(&client->parser, HTTP_RESPONSE);
	client->parser.data = client;
	client->is_complete = false;
	if (stream_write(client->stream, request->bytes.data, request->bytes.length) < 0)
		fail(request, -ENOMEM, "Renode's robot port");
}

void robot_client_run(struct robot_client *client, const char *keyword, const char *argument,
		      uint64_t timeout_ms, robot_done *on_done, void *data)
{
	struct error error = {0};
	struct request *request = calloc(1, sizeof(*request));
	if (request) {
		*request = (struct request){
		    .client = client, .timeout_ms = timeout_ms, .on_done = on_done, .data = data};
		request->deadline = loop_timer_create(client->loop, on_deadline, request, NULL);
	}
	if (!request || !request->deadline || robot_encode(&request->bytes, keyword, argument) < 0) {
		if (request)
			request_destroy(request);
		error_set(&error, -ENOMEM, NULL, "no memory for a request to Renode");
		on_done(&error, NULL, data);
		return;
	}
	loop_timer_start(request->deadline, timeout_ms);
	TAILQ_INSERT_TAIL(&client->requests, request, link);
	schedule(client);
}

void robot_client_execute(struct robot_client *client, const char *command, uint64_t timeout_ms,
			  robot_done *on_done, void *data)
{
	robot_client_run(client, "ExecuteCommand", command, timeout_ms, on_done, data);
}

/* ---- the client ---- */

struct robot_client *robot_client_create(struct loop *loop, struct network *network, struct error *error)
{
	struct robot_client *client = calloc(1, sizeof(*client));
	if (!client) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	client->loop = loop;
	client->network = network;
	TAILQ_INIT(&client->requests);
	return client;
}

void robot_client_set_port(struct robot_client *client, uint16_t port)
{
	client->port = port;
}

void robot_client_destroy(struct robot_client *client)
{
	if (!client)
		return;
	struct error error = {0};
	error_set(&error, -ECANCELED, "not_running", "Renode is no longer there to answer");
	hang_up(client);
	/* Whoever is told so may not ask again. */
	struct requests left = client->requests;
	TAILQ_INIT(&left);
	TAILQ_CONCAT(&left, &client->requests, link);
	struct request *request;
	while ((request = TAILQ_FIRST(&left))) {
		TAILQ_REMOVE(&left, request, link);
		robot_done *on_done = request->on_done;
		void *data = request->data;
		request_destroy(request);
		on_done(&error, NULL, data);
	}
	loop_deferred_cancel(client->next);
	free(client);
}
