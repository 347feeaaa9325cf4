#include "core/loop/stream.h"

#include "core/base/buffer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAM_READ_BYTES = 64 * 1024 };

struct stream {
	struct loop *loop;
	int fd;
	const struct stream_events *events;
	void *data;
	struct loop_watch *watch;
	struct loop_deferred *broken_turn; /* a write failed: told in the next turn */
	struct buffer queue;
	size_t sent; /* of the queue */
	bool reading, finishing, ended;
	int broken;
	bool busy; /* a callback is on the stack: what destroys it leaves the memory */
	bool dead;
};

static void update_watch(struct stream *stream)
{
	int events = stream->reading && !stream->ended ? LOOP_READABLE : 0;
	events |= stream->queue.length > stream->sent ? LOOP_WRITABLE : 0;
	loop_watch_set(stream->watch, stream->broken ? 0 : events);
}

static void end(struct stream *stream, int number)
{
	if (stream->ended)
		return;
	stream->ended = true;
	update_watch(stream);
	stream->events->on_end(number, stream->data);
}

static void on_broken_turn(void *data)
{
	struct stream *stream = data;
	stream->broken_turn = NULL;
	end(stream, stream->broken);
}

static void break_later(struct stream *stream, int number)
{
	if (stream->broken)
		return;
	stream->broken = number;
	buffer_clear(&stream->queue);
	stream->sent = 0;
	update_watch(stream);
	stream->broken_turn = loop_defer(stream->loop, on_broken_turn, stream, NULL);
}

/* As many bytes as the peer takes now; a negative errno where the connection is broken. Pipes and ptys are
 * written with write(): SIGPIPE is ignored by every program of ours. */
static ssize_t send_some(struct stream *stream, const char *bytes, size_t length)
{
	size_t sent = 0;
	while (sent < length) {
		ssize_t count = send(stream->fd, bytes + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && errno == ENOTSOCK)
			count = write(stream->fd, bytes + sent, length - sent);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno != EAGAIN)
			return -errno;
		if (count < 0)
			break;
		sent += (size_t) count;
	}
	return (ssize_t) sent;
}

static void flush(struct stream *stream)
{
	ssize_t count =
	    send_some(stream, stream->queue.data + stream->sent, stream->queue.length - stream->sent);
	if (count < 0) {
		break_later(stream, (int) count);
		return;
	}
	stream->sent += (size_t) count;
	if (stream->sent < stream->queue.length)
		return;
	buffer_clear(&stream->queue);
	stream->sent = 0;
	if (stream->queue.capacity > STREAM_READ_BYTES)
		buffer_finish(&stream->queue);
	update_watch(stream);
	if (stream->finishing)
		shutdown(stream->fd, SHUT_WR);
	if (stream->events->on_drain)
		stream->events->on_drain(stream->data);
}

/* One read a turn: a flooding peer cannot keep the loop for itself. */
static void read_some(struct stream *stream)
{
	char bytes[STREAM_READ_BYTES];
	ssize_t count = read(stream->fd, bytes, sizeof(bytes));
	if (count > 0)
		stream->events->on_data(bytes, (size_t) count, stream->data);
	else if (count == 0)
		end(stream, 0);
	else if (errno != EAGAIN && errno != EINTR)
		end(stream, -errno);
}

static void on_ready(int events, void *data)
{
	struct stream *stream = data;
	stream->busy = true;
	if (events & LOOP_WRITABLE && stream->queue.length > stream->sent)
		flush(stream);
	if (!stream->dead && events & LOOP_READABLE && stream->reading && !stream->ended && !stream->broken)
		read_some(stream);
	stream->busy = false;
	if (stream->dead)
		free(stream);
}

struct stream *stream_create(struct loop *loop, int fd, const struct stream_events *events, void *data,
			     struct error *error)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int flags = fcntl(fd, F_GETFL);
	if (!stream || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		error_set_errno(error, stream ? -errno : -ENOMEM, NULL, "cannot use descriptor %d", fd);
		free(stream);
		close(fd);
		return NULL;
	}
	*stream = (struct stream){.loop = loop, .fd = fd, .events = events, .data = data, .reading = true};
	stream->watch = loop_watch_create(loop, fd, LOOP_READABLE, on_ready, stream, error);
	if (stream->watch)
		return stream;
	free(stream);
	close(fd);
	return NULL;
}

int stream_write(struct stream *stream, const void *bytes, size_t length)
{
	if (stream->broken || stream->finishing)
		return 0;
	size_t sent = 0;
	if (stream->queue.length == stream->sent) {
		ssize_t count = send_some(stream, bytes, length);
		if (count < 0) {
			break_later(stream, (int) count);
			return 0;
		}
		sent = (size_t) count;
	}
	if (sent == length)
		return 0;
	/* Give the sent front back before the queue grows, so that it stays as large as what is unsent. */
	if (stream->sent > stream->queue.length / 2) {
		buffer_consume(&stream->queue, stream->sent);
		stream->sent = 0;
	}
	if (buffer_append(&stream->queue, (const char *) bytes + sent, length - sent) < 0)
		return -ENOMEM;
	update_watch(stream);
	return 0;
}

size_t stream_queued_bytes(const struct stream *stream)
{
	return stream->queue.length - stream->sent;
}

void stream_set_reading(struct stream *stream, bool reading)
{
	stream->reading = reading;
	update_watch(stream);
}

void stream_finish_writing(struct stream *stream)
{
	if (stream->finishing)
		return;
	stream->finishing = true;
	if (stream->queue.length == stream->sent)
		shutdown(stream->fd, SHUT_WR);
}

int stream_fd(const struct stream *stream)
{
	return stream->fd;
}

void stream_destroy(struct stream *stream)
{
	if (!stream)
		return;
	loop_deferred_cancel(stream->broken_turn);
	loop_watch_destroy(stream->watch);
	buffer_finish(&stream->queue);
	close(stream->fd);
	stream->dead = true;
	if (!stream->busy)
		free(stream);
}
