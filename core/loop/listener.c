#include "core/loop/listener.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* How long nothing is accepted after the process has run out of descriptors: the connection waits. */
enum { LISTENER_PAUSE_MS = 100 };

struct listener {
	int fd;
	struct loop_watch *watch;
	struct loop_timer *pause;
	void (*on_connection)(int connection_fd, void *data);
	void *data;
};

/* One connection a turn: on_connection may destroy the listener. */
static void on_ready(int events, void *data)
{
	(void) events;
	struct listener *listener = data;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		listener->on_connection(fd, listener->data);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		loop_watch_set(listener->watch, 0);
		loop_timer_start(listener->pause, LISTENER_PAUSE_MS);
	}
}

static void on_pause_over(void *data)
{
	struct listener *listener = data;
	loop_watch_set(listener->watch, LOOP_READABLE);
}

struct listener *listener_create(struct loop *loop, int fd,
				 void (*on_connection)(int connection_fd, void *data), void *data,
				 struct error *error)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	if (!listener) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*listener = (struct listener){.fd = fd, .on_connection = on_connection, .data = data};
	listener->watch = loop_watch_create(loop, fd, LOOP_READABLE, on_ready, listener, error);
	listener->pause = loop_timer_create(loop, on_pause_over, listener, error);
	if (listener->watch && listener->pause)
		return listener;
	listener_destroy(listener);
	return NULL;
}

void listener_destroy(struct listener *listener)
{
	if (!listener)
		return;
	loop_watch_destroy(listener->watch);
	loop_timer_destroy(listener->pause);
	close(listener->fd);
	free(listener);
}

static int open_socket(int family, struct error *error)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? error_set_errno(error, -errno, "no_descriptors", "cannot make a socket") : fd;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_address(const char *host, uint16_t port, union address *ret_address)
{
	union address address = {0};
	if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_port = htons(port);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

int listener_open_tcp(const char *host, uint16_t port, uint16_t *ret_port, struct error *error)
{
	union address address;
	if (parse_address(host, port, &address) < 0)
		return error_set(error, -EINVAL, NULL, "%s is not an IPv4 or IPv6 address", host);
	cleanup_close int fd = open_socket(address.any.sa_family, error);
	if (fd < 0)
		return fd;
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	socklen_t size = address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
	if (bind(fd, &address.any, size) < 0 || listen(fd, SOMAXCONN) < 0)
		return error_set_errno(error, -errno, NULL, "cannot listen on %s port %u", host, port);
	size = sizeof(address);
	if (getsockname(fd, &address.any, &size) < 0)
		return error_set_errno(error, -errno, NULL, "cannot tell the port");
	if (ret_port)
		*ret_port =
		    ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return TAKE_FD(fd);
}

static int open_unix_socket(int dirfd, const char *name, struct sockaddr_un *ret_address, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(name) > sizeof(address.sun_path) - sizeof("/proc/self/fd/2147483647/"))
		return error_set(error, -ENAMETOOLONG, NULL, "socket name %s is too long", name);
	file_fd_path(address.sun_path, sizeof(address.sun_path), dirfd, name);
	*ret_address = address;
	return open_socket(AF_UNIX, error);
}

int listener_open_unix(int dirfd, const char *name, struct error *error)
{
	struct sockaddr_un address;
	cleanup_close int fd = open_unix_socket(dirfd, name, &address, error);
	if (fd < 0)
		return fd;
	unlinkat(dirfd, name, 0);
	/* The socket's file takes its mode from the descriptor's at bind. */
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
	    fchmodat(dirfd, name, 0600, 0) < 0 || listen(fd, SOMAXCONN) < 0)
		return error_set_errno(error, -errno, NULL, "cannot listen on socket %s", name);
	return TAKE_FD(fd);
}

int listener_connect_unix(int dirfd, const char *name, struct error *error)
{
	struct sockaddr_un address;
	cleanup_close int fd = open_unix_socket(dirfd, name, &address, error);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		return error_set_errno(error, -errno, NULL, "cannot connect to socket %s", name);
	return TAKE_FD(fd);
}
