#include "core/channels/console_raw.h"

#include "core/base/cleanup.h"
#include "core/channels/console_log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
	CHUNK_BYTES = 16 * 1024,
	CHUNKS_A_TURN = 16, /* then others have their turn */
	FALLBACK_LOOK_MS = 20,
};

struct client {
	LIST_ENTRY(client) entry;
	struct console_raw *raw;
	struct loop_watch *watch;
	int64_t cursor;
	int fd; /* -1: closed, waiting for its last write to the guest to complete */
	bool is_pty;
	bool left;          /* has closed its side: takes no more output */
	bool full;          /* takes no more output until it is writable */
	bool write_pending; /* the guest has not taken its last bytes yet */
};

struct console_raw {
	struct loop *loop;
	struct growth *growth;
	int output_fd;
	struct console_input *input;
	struct growth_watch *growth_watch;
	struct loop_timer *fallback; /* looks where no growth watch can be had */
	int64_t left_at;             /* where the last client left */
	size_t reader_count;         /* clients that have not left */
	size_t client_count;         /* and those whose bytes still wait for the guest */
	LIST_HEAD(clients, client) clients;
};

static void update_watch(struct client *client)
{
	int events = (client->write_pending ? 0 : LOOP_READABLE) | (client->full ? LOOP_WRITABLE : 0);
	loop_watch_set(client->watch, events);
}

/* ---- leaving ---- */

static void stop_growth(struct console_raw *raw)
{
	growth_watch_destroy(TAKE(raw->growth_watch));
	loop_timer_stop(raw->fallback);
}

static void client_leave(struct client *client)
{
	if (client->left)
		return;
	client->left = true;
	client->full = false;
	client->raw->left_at = client->cursor;
	if (--client->raw->reader_count == 0)
		stop_growth(client->raw);
}

static void client_free(struct client *client)
{
	LIST_REMOVE(client, entry);
	client->raw->client_count--;
	free(client);
}

static void client_close(struct client *client)
{
	client_leave(client);
	loop_watch_destroy(TAKE(client->watch));
	if (!client->is_pty)
		close(client->fd);
	client->fd = -1;
	if (!client->write_pending)
		client_free(client);
}

/* A peer that has closed is told by its end of file too, but that may lie behind bytes that wait for the
 * guest, or be read only after output was sent to nobody. */
static bool peer_is_gone(const struct client *client)
{
	struct pollfd peer = {.fd = client->fd, .events = POLLRDHUP};
	return !client->is_pty && poll(&peer, 1, 0) == 1;
}

/* ---- output ---- */

static ssize_t client_write(const struct client *client, const char *bytes, size_t length)
{
	ssize_t count = client->is_pty ? write(client->fd, bytes, length)
				       : send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (count >= 0)
		return count;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* The next bytes for the client; a cursor that fell out of the kept window moves to its beginning. */
static ssize_t client_fetch(struct client *client, char bytes[static CHUNK_BYTES])
{
	int fd = client->raw->output_fd;
	for (;;) {
		ssize_t count = console_log_read(fd, client->cursor, bytes, CHUNK_BYTES);
		struct console_log_window window = {0};
		if (count != -ESTALE)
			return count;
		int result = console_log_window(fd, &window);
		if (result < 0 || window.first_offset <= client->cursor)
			return result;
		client->cursor = window.first_offset;
	}
}

/* Sends what there is and what the client takes. May free it. */
static void client_send(struct client *client)
{
	char bytes[CHUNK_BYTES];
	if (peer_is_gone(client))
		client_leave(client);
	client->full = false;
	for (int chunk = 0; !client->left && !client->full; chunk++) {
		ssize_t length = client_fetch(client, bytes);
		if (length <= 0)
			break;
		ssize_t sent = chunk < CHUNKS_A_TURN ? client_write(client, bytes, (size_t) length) : 0;
		if (sent < 0) {
			client_close(client);
			return;
		}
		client->cursor += sent;
		client->full = sent < length;
		if (length < CHUNK_BYTES)
			break; /* that was the end; what comes behind it is told as growth */
	}
	update_watch(client);
}

static bool client_waits(const struct client *client)
{
	return !client->left && !client->full;
}

static void watch_growth(struct console_raw *raw);

static void on_growth(void *data)
{
	struct console_raw *raw = data;
	bool waits = false;
	for (struct client *client = LIST_FIRST(&raw->clients), *next; client; client = next) {
		next = LIST_NEXT(client, entry);
		if (client_waits(client))
			client_send(client);
	}
	const struct client *client;
	LIST_FOREACH (client, &raw->clients, entry)
		waits |= client_waits(client);
	if (waits)
		watch_growth(raw);
	else
		stop_growth(raw);
}

/* Has the output's growth told while somebody waits for it. */
static void watch_growth(struct console_raw *raw)
{
	if (raw->growth_watch)
		return;
	int64_t cursor = INT64_MAX;
	const struct client *client;
	LIST_FOREACH (client, &raw->clients, entry)
		if (client_waits(client) && client->cursor < cursor)
			cursor = client->cursor;
	if (cursor == INT64_MAX)
		return;
	raw->growth_watch = growth_watch_create(raw->growth, raw->output_fd, cursor, on_growth, raw, NULL);
	if (!raw->growth_watch)
		loop_timer_start(raw->fallback, FALLBACK_LOOK_MS);
}

/* ---- input ---- */

static void on_written(size_t written, int number, void *data)
{
	(void) written;
	(void) number; /* bytes that a reset drained are gone, as is meant */
	struct client *client = data;
	client->write_pending = false;
	if (client->fd < 0)
		client_free(client);
	else
		update_watch(client);
}

/* Reads once and hands on. False: the client is gone. */
static bool client_receive(struct client *client)
{
	char bytes[CHUNK_BYTES];
	ssize_t count = read(client->fd, bytes, sizeof(bytes));
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (count > 0 && console_input_write(client->raw->input, bytes, (size_t) count, CONSOLE_WRITE_FOREVER,
					     on_written, client, NULL) == 0) {
		client->write_pending = true;
		update_watch(client);
		return true;
	}
	client_close(client);
	return false;
}

static void on_ready(int events, void *data)
{
	struct client *client = data;
	struct console_raw *raw = client->raw;
	update_watch(client); /* an error stops the watch */
	bool there = true;
	if (events & LOOP_READABLE && !client->write_pending)
		there = client_receive(client);
	if (there && events & LOOP_WRITABLE && client->full)
		client_send(client);
	watch_growth(raw);
}

/* ---- clients ---- */

struct console_raw *console_raw_create(struct loop *loop, struct growth *growth, int output_fd,
				       struct console_input *input, struct error *error)
{
	struct console_raw *raw = calloc(1, sizeof(*raw));
	if (!raw) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*raw = (struct console_raw){.loop = loop, .growth = growth, .output_fd = output_fd, .input = input};
	raw->fallback = loop_timer_create(loop, on_growth, raw, error);
	if (raw->fallback)
		return raw;
	console_raw_destroy(raw);
	return NULL;
}

void console_raw_destroy(struct console_raw *raw)
{
	if (!raw)
		return;
	for (struct client *client = LIST_FIRST(&raw->clients), *next; client; client = next) {
		next = LIST_NEXT(client, entry);
		client_close(client);
	}
	growth_watch_destroy(raw->growth_watch);
	loop_timer_destroy(raw->fallback);
	free(raw);
}

static int add_client(struct console_raw *raw, int fd, bool is_pty, int64_t cursor, struct error *error)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return error_set(error, -ENOMEM, NULL, "no memory");
	*client = (struct client){.raw = raw, .fd = fd, .is_pty = is_pty, .cursor = cursor};
	client->watch = loop_watch_create(raw->loop, fd, LOOP_READABLE, on_ready, client, error);
	if (!client->watch) {
		free(client);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&raw->clients, client, entry);
	raw->client_count++;
	raw->reader_count++;
	client_send(client);
	watch_growth(raw);
	return 0;
}

/* Those whose peers have closed, but whose end of file has not been read yet, are no company. */
static void sort_out_leavers(struct console_raw *raw)
{
	struct client *client;
	LIST_FOREACH (client, &raw->clients, entry)
		if (!client->left && peer_is_gone(client))
			client_leave(client);
}

void console_raw_add_socket(struct console_raw *raw, int fd)
{
	struct console_log_window window = {0};
	sort_out_leavers(raw);
	int64_t cursor = raw->left_at;
	if (raw->reader_count > 0 && console_log_window(raw->output_fd, &window) == 0)
		cursor = window.next_offset;
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (raw->client_count >= CONSOLE_RAW_MAX_CLIENTS || add_client(raw, fd, false, cursor, NULL) < 0)
		close(fd);
}

int console_raw_add_pty(struct console_raw *raw, int master, struct error *error)
{
	return add_client(raw, master, true, 0, error);
}
