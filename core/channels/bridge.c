#include "core/channels/bridge.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BUFFER_BYTES = 64 * 1024,
	/* What a socket holds at most, in reads: an emulator that goes on talking is not listened to for
	   ever. */
	LAST_READS = 64,
};

/* Bytes on their way. */
struct span {
	size_t start, length;
	char bytes[BUFFER_BYTES];
};

struct bridge {
	int socket_fd, output_fd, fifo_fd;
	struct loop_watch *socket_watch, *fifo_watch;
	struct loop_timer *retry; /* the disk is full */
	struct span out, in;      /* from and to the emulator */
	bool socket_ended, input_broken;
	int end_number;
	void (*on_end)(int number, void *data);
	void *data;
};

static bool would_block(int number)
{
	return number == EAGAIN || number == EINTR;
}

/* The end is told last: the owner may destroy the bridge in it. */
static void end(struct bridge *bridge)
{
	loop_watch_set(bridge->socket_watch, 0);
	loop_watch_set(bridge->fifo_watch, 0);
	loop_timer_stop(bridge->retry);
	bridge->on_end(bridge->end_number, bridge->data);
}

static bool is_full_disk(int number)
{
	return number == ENOSPC || number == EDQUOT;
}

/* Appends what is held. 0: all of it, -ENOSPC: the disk is full, or another negative errno. */
static int append(struct bridge *bridge)
{
	struct span *out = &bridge->out;
	while (out->length > 0) {
		ssize_t count = write(bridge->output_fd, out->bytes + out->start, out->length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return is_full_disk(errno) ? -ENOSPC : -errno;
		out->start += (size_t) count;
		out->length -= (size_t) count;
	}
	out->start = 0;
	return 0;
}

/* Reads once. False: there is nothing (more) now. */
static bool receive(struct bridge *bridge)
{
	struct span *out = &bridge->out;
	ssize_t count = read(bridge->socket_fd, out->bytes, sizeof(out->bytes));
	if (count < 0 && would_block(errno))
		return false;
	if (count <= 0) {
		bridge->socket_ended = true;
		bridge->end_number = count < 0 ? -errno : 0;
		return false;
	}
	out->start = 0;
	out->length = (size_t) count;
	return true;
}

static void update_watches(struct bridge *bridge, bool disk_is_full)
{
	bool sending = bridge->in.length > 0 && !bridge->input_broken;
	loop_watch_set(bridge->socket_watch,
		       (disk_is_full ? 0 : LOOP_READABLE) | (sending ? LOOP_WRITABLE : 0));
	loop_watch_set(bridge->fifo_watch, sending || bridge->input_broken ? 0 : LOOP_READABLE);
}

static void take_output(struct bridge *bridge)
{
	int result = append(bridge);
	if (result == 0 && !bridge->socket_ended && receive(bridge))
		result = append(bridge);
	if (result == -ENOSPC) {
		update_watches(bridge, true);
		loop_timer_start(bridge->retry, BRIDGE_RETRY_MS);
		return;
	}
	if (result < 0)
		bridge->end_number = result;
	if (result < 0 || bridge->socket_ended)
		end(bridge);
	else
		update_watches(bridge, false);
}

static void on_retry(void *data)
{
	take_output(data);
}

/* Gives the socket what it takes. What it will never take goes nowhere; its last words are still read. */
static void give_input(struct bridge *bridge)
{
	struct span *in = &bridge->in;
	if (in->length == 0)
		return;
	ssize_t count = send(bridge->socket_fd, in->bytes + in->start, in->length, MSG_NOSIGNAL);
	if (count < 0 && errno == ENOTSOCK)
		count = write(bridge->socket_fd, in->bytes + in->start, in->length);
	if (count < 0 && would_block(errno))
		return;
	if (count < 0) {
		bridge->input_broken = true;
		in->length = 0;
		return;
	}
	in->start += (size_t) count;
	in->length -= (size_t) count;
}

static void on_fifo(int events, void *data)
{
	(void) events;
	struct bridge *bridge = data;
	struct span *in = &bridge->in;
	ssize_t count = in->length > 0 ? 0 : read(bridge->fifo_fd, in->bytes, sizeof(in->bytes));
	if (count > 0) {
		in->start = 0;
		in->length = (size_t) count;
	}
	give_input(bridge);
	update_watches(bridge, loop_timer_is_active(bridge->retry));
}

static void on_socket(int events, void *data)
{
	struct bridge *bridge = data;
	if (events & LOOP_WRITABLE) {
		give_input(bridge);
		update_watches(bridge, loop_timer_is_active(bridge->retry));
	}
	if (events & LOOP_READABLE)
		take_output(bridge);
}

static int open_file(int dirfd, const char *console, const char *suffix, int flags, struct error *error)
{
	cleanup_free char *name = text_format("%s.%s", console, suffix);
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int fd = openat(dirfd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : error_set_errno(error, -errno, NULL, "cannot open %s", name);
}

/* The FIFO is opened for both directions: one whose writer goes shall not look ended for ever. */
static int open_all(struct bridge *bridge, struct loop *loop, int dirfd, const char *console,
		    struct error *error)
{
	fcntl(bridge->socket_fd, F_SETFL, fcntl(bridge->socket_fd, F_GETFL) | O_NONBLOCK);
	bridge->output_fd = open_file(dirfd, console, "out", O_WRONLY | O_APPEND, error);
	if (bridge->output_fd < 0)
		return bridge->output_fd;
	bridge->fifo_fd = open_file(dirfd, console, "in", O_RDWR, error);
	if (bridge->fifo_fd < 0)
		return bridge->fifo_fd;
	bridge->retry = loop_timer_create(loop, on_retry, bridge, error);
	bridge->socket_watch =
	    loop_watch_create(loop, bridge->socket_fd, LOOP_READABLE, on_socket, bridge, error);
	bridge->fifo_watch = loop_watch_create(loop, bridge->fifo_fd, LOOP_READABLE, on_fifo, bridge, error);
	return bridge->retry && bridge->socket_watch && bridge->fifo_watch ? 0 : -ENOMEM;
}

struct bridge *bridge_create(struct loop *loop, int socket_fd, int dirfd, const char *console,
			     void (*on_end)(int number, void *data), void *data, struct error *error)
{
	struct bridge *bridge = malloc(sizeof(*bridge));
	if (!bridge) {
		close(socket_fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	/* The bytes of the spans stay untouched, and so no memory until they are used. */
	bridge->socket_watch = bridge->fifo_watch = NULL;
	bridge->retry = NULL;
	bridge->socket_fd = socket_fd;
	bridge->output_fd = bridge->fifo_fd = -1;
	bridge->out.start = bridge->out.length = bridge->in.start = bridge->in.length = 0;
	bridge->socket_ended = bridge->input_broken = false;
	bridge->end_number = 0;
	bridge->on_end = on_end;
	bridge->data = data;
	if (open_all(bridge, loop, dirfd, console, error) == 0)
		return bridge;
	bridge_destroy(bridge);
	return NULL;
}

void bridge_drop_input(struct bridge *bridge)
{
	bridge->in.length = 0;
	update_watches(bridge, loop_timer_is_active(bridge->retry));
}

void bridge_destroy(struct bridge *bridge)
{
	if (!bridge)
		return;
	for (int i = 0; i < LAST_READS && bridge->output_fd >= 0; i++)
		if (append(bridge) < 0 || bridge->socket_ended || !receive(bridge))
			break;
	loop_watch_destroy(bridge->socket_watch);
	loop_watch_destroy(bridge->fifo_watch);
	loop_timer_destroy(bridge->retry);
	cleanup_close_descriptor(&bridge->socket_fd);
	cleanup_close_descriptor(&bridge->output_fd);
	cleanup_close_descriptor(&bridge->fifo_fd);
	free(bridge);
}
