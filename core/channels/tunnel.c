#include "core/channels/tunnel.h"

#include "core/base/cleanup.h"
#include "core/channels/pty.h"
#include "core/channels/pty_presence.h"
#include "core/channels/relay.h"
#include "core/loop/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>

struct tunnel {
	struct loop *loop;
	char *name, *socket_name;
	int (*connect)(const char *name, void *data, struct error *error);
	void (*on_left)(const char *name, void *data);
	void *connect_data;
	int dirfd;
	bool refuse_http, refuse_pages;
	bool claimed;
	struct listener *listener;
	uint16_t port;
	struct pty pty;
	bool symlink_made;
	struct pty_presence *presence;
	struct loop_watch *typed; /* a pty's user whom the emulator left: connected again when he types */

	struct relay *relay; /* the one client: */
	int client_fd;       /* -1: none, or the pty */
	int emulator_fd;
};

static void serve_pty(struct tunnel *tunnel);

/* ---- the one place ---- */

static void disconnect(struct tunnel *tunnel)
{
	relay_destroy(TAKE(tunnel->relay));
	cleanup_close_descriptor(&tunnel->client_fd);
	cleanup_close_descriptor(&tunnel->emulator_fd);
	tunnel->client_fd = tunnel->emulator_fd = -1;
}

static void on_typed(int events, void *data)
{
	(void) events;
	struct tunnel *tunnel = data;
	loop_watch_destroy(TAKE(tunnel->typed));
	serve_pty(tunnel);
}

static void wait_for_typing(struct tunnel *tunnel)
{
	if (!tunnel->typed)
		tunnel->typed = loop_watch_create(tunnel->loop, tunnel->pty.master, LOOP_READABLE, on_typed,
						  tunnel, NULL);
}

static void on_end(enum relay_end end, void *data)
{
	struct tunnel *tunnel = data;
	bool was_pty = tunnel->client_fd < 0;
	disconnect(tunnel);
	if (tunnel->on_left)
		tunnel->on_left(tunnel->name, tunnel->connect_data);
	if (tunnel->pty.master < 0)
		return;
	/* What nobody has read is not for the next user. */
	if (!pty_is_open(&tunnel->pty))
		tcflush(tunnel->pty.master, TCOFLUSH);
	if (was_pty && end == RELAY_END_EMULATOR)
		wait_for_typing(tunnel);
	else
		serve_pty(tunnel);
}

static int check_free(const struct tunnel *tunnel, struct error *error)
{
	if (!tunnel->claimed && !tunnel->relay)
		return 0;
	return error_set(error, -EBUSY, "channel_busy", "another client has the channel %s", tunnel->name);
}

/* client_fd is taken on success; -1: the pty. */
static int connect_client(struct tunnel *tunnel, int client_fd, struct relay_options options,
			  struct error *error)
{
	int result = check_free(tunnel, error);
	if (result < 0)
		return result;
	int emulator_fd = tunnel->socket_name
			      ? listener_connect_unix(tunnel->dirfd, tunnel->socket_name, error)
			      : tunnel->connect(tunnel->name, tunnel->connect_data, error);
	if (emulator_fd < 0) {
		if (error && !error->code)
			error->code = "emulator_unavailable";
		return emulator_fd;
	}
	options.client_fd = client_fd < 0 ? tunnel->pty.master : client_fd;
	options.emulator_fd = emulator_fd;
	tunnel->relay = relay_create(tunnel->loop, &options, on_end, tunnel, error);
	if (!tunnel->relay) {
		close(emulator_fd);
		return -ENOMEM;
	}
	tunnel->client_fd = client_fd;
	tunnel->emulator_fd = emulator_fd;
	return 0;
}

int tunnel_claim(struct tunnel *tunnel, struct error *error)
{
	int result = check_free(tunnel, error);
	if (result == 0)
		tunnel->claimed = true;
	return result;
}

void tunnel_release(struct tunnel *tunnel)
{
	tunnel->claimed = false;
	serve_pty(tunnel);
}

int tunnel_attach(struct tunnel *tunnel, int client_fd, const void *first_bytes, size_t length,
		  struct error *error)
{
	if (length > RELAY_BUFFER_BYTES)
		return error_set(error, -EMSGSIZE, NULL, "too many bytes at once");
	const struct relay_options options = {.first_bytes = first_bytes, .first_length = length};
	bool was_claimed = tunnel->claimed;
	tunnel->claimed = false;
	fcntl(client_fd, F_SETFL, fcntl(client_fd, F_GETFL) | O_NONBLOCK);
	int result = connect_client(tunnel, client_fd, options, error);
	if (result < 0)
		tunnel->claimed = was_claimed;
	return result;
}

void tunnel_detach(struct tunnel *tunnel)
{
	if (tunnel->relay)
		on_end(RELAY_END_CLIENT, tunnel);
}

/* ---- tcp ---- */

static void on_connection(int fd, void *data)
{
	struct tunnel *tunnel = data;
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	const struct relay_options options = {.refuse_http = tunnel->refuse_http,
					      .refuse_pages = tunnel->refuse_pages};
	if (connect_client(tunnel, fd, options, NULL) < 0)
		close(fd);
}

static int open_tcp(struct tunnel *tunnel, struct error *error)
{
	int fd = listener_open_tcp("127.0.0.1", 0, &tunnel->port, error);
	if (fd < 0)
		return fd;
	tunnel->listener = listener_create(tunnel->loop, fd, on_connection, tunnel, error);
	return tunnel->listener ? 0 : -ENOMEM;
}

/* ---- pty ---- */

/* Connects whoever has the pty open, if the place is free. */
static void serve_pty(struct tunnel *tunnel)
{
	if (tunnel->pty.master < 0 || tunnel->claimed || tunnel->relay || !pty_is_open(&tunnel->pty))
		return;
	loop_watch_destroy(TAKE(tunnel->typed)); /* a descriptor has one watch */
	const struct relay_options options = {0};
	if (connect_client(tunnel, -1, options, NULL) == 0)
		return;
	/* Nobody is there to hear it: what has been typed goes nowhere, the next key tries again. */
	tcflush(tunnel->pty.master, TCIFLUSH);
	wait_for_typing(tunnel);
}

static void on_pty_open(void *data)
{
	serve_pty(data);
}

static int open_pty(struct tunnel *tunnel, struct error *error)
{
	int result = pty_open(&tunnel->pty, error);
	if (result < 0)
		return result;
	close(TAKE_FD(tunnel->pty.slave)); /* so that the master tells when the last user goes */
	tunnel->presence = pty_presence_create(tunnel->loop, &tunnel->pty, on_pty_open, tunnel, error);
	if (!tunnel->presence)
		return -ENOMEM;
	result = pty_link(&tunnel->pty, tunnel->dirfd, tunnel->name, error);
	tunnel->symlink_made = result == 0;
	return result;
}

/* ---- the tunnel ---- */

static int open_endpoint(struct tunnel *tunnel, enum console_endpoint endpoint, struct error *error)
{
	switch (endpoint) {
	case CONSOLE_ENDPOINT_TCP:
		return open_tcp(tunnel, error);
	case CONSOLE_ENDPOINT_PTY:
		return open_pty(tunnel, error);
	case CONSOLE_ENDPOINT_NONE:
		break;
	}
	return 0;
}

struct tunnel *tunnel_create(struct loop *loop, const struct tunnel_options *options, struct error *error)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
	if (!tunnel) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*tunnel = (struct tunnel){
	    .loop = loop,
	    .name = strdup(options->name),
	    .socket_name = options->socket_name ? strdup(options->socket_name) : NULL,
	    .connect = options->connect,
	    .on_left = options->socket_name ? NULL : options->on_left,
	    .connect_data = options->data,
	    .dirfd = options->dirfd,
	    .refuse_http = options->refuse_http,
	    .refuse_pages = options->refuse_pages,
	    .pty = {.master = -1, .slave = -1},
	    .client_fd = -1,
	    .emulator_fd = -1,
	};
	if (!tunnel->name || (options->socket_name && !tunnel->socket_name))
		error_set(error, -ENOMEM, NULL, "no memory");
	else if (open_endpoint(tunnel, options->endpoint, error) == 0)
		return tunnel;
	tunnel_destroy(tunnel);
	return NULL;
}

void tunnel_destroy(struct tunnel *tunnel)
{
	if (!tunnel)
		return;
	disconnect(tunnel);
	listener_destroy(tunnel->listener);
	pty_presence_destroy(tunnel->presence);
	loop_watch_destroy(tunnel->typed);
	pty_close(&tunnel->pty);
	if (tunnel->symlink_made)
		unlinkat(tunnel->dirfd, tunnel->name, 0);
	free(tunnel->name);
	free(tunnel->socket_name);
	free(tunnel);
}

const char *tunnel_name(const struct tunnel *tunnel)
{
	return tunnel->name;
}

uint16_t tunnel_port(const struct tunnel *tunnel)
{
	return tunnel->port;
}

const char *tunnel_pty_path(const struct tunnel *tunnel)
{
	return tunnel->pty.path;
}
