#include "server/shims/shim_link.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/json_lines.h"
#include "core/base/text.h"
#include "core/loop/listener.h"
#include "core/loop/stream.h"
#include "core/shim/protocol.h"

#include <sys/queue.h>

/* A shim keeps its own deadlines; only one that hangs is found out by ours. A gdb that had to be ended is
 * followed by another that frees the board of it. */
enum { SHIM_GRACE_MS = 2000, SHIM_DEBUG_GRACE_MS = 8000 };

struct shim_call {
	LIST_ENTRY(shim_call) link;
	struct shim_link *owner;
	json_int_t id;
	struct loop_timer *deadline;
	shim_done *on_done;
	void *data;
};

struct shim_link {
	struct loop *loop;
	struct stream *stream;
	struct json_lines lines;
	const struct shim_link_events *events;
	void *data;
	LIST_HEAD(, shim_call) calls;
	json_int_t next_id;
	bool greeted;
	bool busy; /* a callback of ours is on the stack: what destroys it leaves the memory */
	bool dead;
};

static void end_call(struct shim_call *call, const struct error *error, const json_t *body)
{
	shim_done *on_done = call->on_done;
	void *data = call->data;
	shim_call_cancel(call);
	on_done(error, body, data);
}

void shim_call_cancel(struct shim_call *call)
{
	if (!call)
		return;
	LIST_REMOVE(call, link);
	loop_timer_destroy(call->deadline);
	free(call);
}

/* Whoever is told may destroy the link, which completes the rest. */
static void fail_calls(struct shim_link *link)
{
	struct error error;
	error_set(&error, -EPIPE, "not_running", "the instance ended before it answered");
	while (!link->dead && !LIST_EMPTY(&link->calls))
		end_call(LIST_FIRST(&link->calls), &error, NULL);
}

/* Nothing more can come of the link; its owner is told last. Only while busy. */
static void break_link(struct shim_link *link)
{
	stream_set_reading(link->stream, false);
	fail_calls(link);
	if (!link->dead)
		link->events->on_end(link->data);
}

static void leave(struct shim_link *link)
{
	link->busy = false;
	if (link->dead)
		free(link);
}

static void take_answer(struct shim_link *link, const struct shim_message *message)
{
	struct shim_call *call;
	LIST_FOREACH (call, &link->calls, link)
		if (call->id == message->id)
			break;
	if (!call)
		return;
	struct error error;
	if (message->kind == SHIM_ERROR)
		shim_error_read(message->body, &error);
	end_call(call, message->kind == SHIM_ERROR ? &error : NULL, message->body);
}

/* 0, or negative when the peer speaks something else. */
static int take_message(struct shim_link *link, const json_t *json)
{
	struct shim_message message;
	struct error error;
	if (shim_message_parse(json, &message, &error) < 0)
		return link->greeted ? 0 : -EPROTO;
	if (message.kind == SHIM_GREETING) {
		if (message.protocol < 1)
			return -EPROTO;
		link->greeted = true;
		link->events->on_status(message.body, link->data);
	} else if (message.kind == SHIM_EVENT) {
		link->events->on_status(message.body, link->data);
	} else {
		take_answer(link, &message);
	}
	return 0;
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct shim_link *link = data;
	struct error error = {0};
	link->busy = true;
	int result = json_lines_feed(&link->lines, bytes, length, &error);
	while (!result && !link->dead) {
		cleanup_json json_t *json = json_lines_next(&link->lines, &error);
		if (!json && !error.number)
			break;
		result = json ? take_message(link, json) : error.number;
	}
	if (result < 0 && !link->dead)
		break_link(link);
	leave(link);
}

static void on_end(int number, void *data)
{
	(void) number;
	struct shim_link *link = data;
	link->busy = true;
	break_link(link);
	leave(link);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

struct shim_link *shim_link_connect(struct loop *loop, int dirfd, const struct shim_link_events *events,
				    void *data, struct error *error)
{
	int fd = listener_connect_unix(dirfd, "control.sock", error);
	if (fd < 0)
		return NULL;
	struct shim_link *link = calloc(1, sizeof(*link));
	if (!link) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	link->loop = loop;
	link->events = events;
	link->data = data;
	link->next_id = 1;
	LIST_INIT(&link->calls);
	json_lines_init(&link->lines, SHIM_LINE_BYTES_MAX);
	link->stream = stream_create(loop, fd, &stream_events, link, error);
	if (link->stream)
		return link;
	json_lines_finish(&link->lines);
	free(link);
	return NULL;
}

void shim_link_destroy(struct shim_link *link)
{
	if (!link)
		return;
	fail_calls(link);
	stream_destroy(link->stream);
	json_lines_finish(&link->lines);
	link->dead = true;
	if (!link->busy)
		free(link);
}

static void on_deadline(void *data)
{
	struct error error;
	error_set(&error, -ETIMEDOUT, "emulator_timeout", "the instance's shim did not answer in time");
	end_call(data, &error, NULL);
}

static int send_request(struct shim_link *link, json_int_t id, const char *command, const json_t *arguments,
			uint64_t timeout_ms)
{
	cleanup_json json_t *all = arguments ? json_copy((json_t *) arguments) : json_object();
	cleanup_buffer struct buffer line = {0};
	if (!all || json_object_set_new(all, "timeout_ms", json_integer((json_int_t) timeout_ms)) < 0)
		return -ENOMEM;
	cleanup_json json_t *request = shim_request_make(id, command, all);
	if (!request || json_lines_append(&line, request) < 0)
		return -ENOMEM;
	return stream_write(link->stream, line.data, line.length);
}

static uint64_t grace_ms(const char *command)
{
	return text_equal(command, "gdb") || text_equal(command, "load") ? SHIM_DEBUG_GRACE_MS
									 : SHIM_GRACE_MS;
}

struct shim_call *shim_link_request(struct shim_link *link, const char *command, const json_t *arguments,
				    uint64_t timeout_ms, shim_done *on_done, void *data, struct error *error)
{
	struct shim_call *call = calloc(1, sizeof(*call));
	if (!call) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*call = (struct shim_call){.owner = link, .id = link->next_id++, .on_done = on_done, .data = data};
	LIST_INSERT_HEAD(&link->calls, call, link);
	call->deadline = loop_timer_create(link->loop, on_deadline, call, error);
	if (call->deadline && send_request(link, call->id, command, arguments, timeout_ms) == 0) {
		loop_timer_start(call->deadline, timeout_ms + grace_ms(command));
		return call;
	}
	shim_call_cancel(call);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}
