#include "server/shims/shim_attach.h"

#include "core/base/cleanup.h"
#include "core/base/json_lines.h"
#include "core/loop/listener.h"
#include "core/loop/stream.h"
#include "core/shim/protocol.h"

#include <fcntl.h>

struct shim_attach {
	struct stream *stream;
	struct loop_timer *deadline;
	struct json_lines lines;
	shim_attached *on_done;
	void *data;
};

void shim_attach_cancel(struct shim_attach *attach)
{
	if (!attach)
		return;
	stream_destroy(attach->stream);
	loop_timer_destroy(attach->deadline);
	json_lines_finish(&attach->lines);
	free(attach);
}

static void fail(struct shim_attach *attach, const struct error *error)
{
	shim_attached *on_done = attach->on_done;
	void *data = attach->data;
	shim_attach_cancel(attach);
	on_done(error, -1, NULL, 0, data);
}

static void succeed(struct shim_attach *attach)
{
	struct error error;
	shim_attached *on_done = attach->on_done;
	void *data = attach->data;
	int fd = fcntl(stream_fd(attach->stream), F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		error_set_errno(&error, -errno, "no_descriptors", "cannot open the tunnel");
		fail(attach, &error);
		return;
	}
	cleanup_buffer struct buffer rest = attach->lines.pending;
	attach->lines.pending = (struct buffer){0};
	shim_attach_cancel(attach);
	on_done(NULL, fd, rest.data, rest.length, data);
}

static void on_data(const char *bytes, size_t length, void *data)
{
	struct shim_attach *attach = data;
	struct error error = {0};
	struct shim_message message;
	if (json_lines_feed(&attach->lines, bytes, length, &error) < 0) {
		fail(attach, &error);
		return;
	}
	for (;;) {
		cleanup_json json_t *json = json_lines_next(&attach->lines, &error);
		if (!json && !error.number)
			return;
		if (!json || shim_message_parse(json, &message, &error) < 0) {
			fail(attach, &error);
			return;
		}
		if (message.kind == SHIM_ERROR) {
			shim_error_read(message.body, &error);
			fail(attach, &error);
			return;
		}
		if (message.kind == SHIM_REPLY) {
			succeed(attach);
			return;
		}
	}
}

static void on_end(int number, void *data)
{
	(void) number;
	struct error error;
	error_set(&error, -EPIPE, "not_running", "the instance has ended");
	fail(data, &error);
}

static void on_deadline(void *data)
{
	struct error error;
	error_set(&error, -ETIMEDOUT, "timeout", "the instance's shim did not answer in time");
	fail(data, &error);
}

static const struct stream_events stream_events = {.on_data = on_data, .on_end = on_end};

static int ask(struct shim_attach *attach, const char *channel)
{
	cleanup_json json_t *arguments = json_pack("{s:s}", "channel", channel);
	cleanup_json json_t *request = shim_request_make(1, "attach", arguments);
	cleanup_buffer struct buffer line = {0};
	if (!request || json_lines_append(&line, request) < 0)
		return -ENOMEM;
	return stream_write(attach->stream, line.data, line.length);
}

struct shim_attach *shim_attach_begin(struct loop *loop, int dirfd, const char *channel, uint64_t timeout_ms,
				      shim_attached *on_done, void *data, struct error *error)
{
	int fd = listener_connect_unix(dirfd, "control.sock", error);
	if (fd < 0) {
		error_set(error, fd, "not_running", "the instance is not running");
		return NULL;
	}
	struct shim_attach *attach = calloc(1, sizeof(*attach));
	if (!attach) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	attach->on_done = on_done;
	attach->data = data;
	json_lines_init(&attach->lines, SHIM_LINE_BYTES_MAX);
	attach->stream = stream_create(loop, fd, &stream_events, attach, error);
	attach->deadline = attach->stream ? loop_timer_create(loop, on_deadline, attach, error) : NULL;
	if (!attach->deadline || ask(attach, channel) < 0) {
		shim_attach_cancel(attach);
		return NULL;
	}
	loop_timer_start(attach->deadline, timeout_ms);
	return attach;
}
