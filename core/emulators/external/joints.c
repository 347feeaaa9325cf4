#include "core/emulators/external/joints.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/bridge.h"
#include "core/loop/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <termios.h>

struct joint {
	struct bridge *bridge; /* NULL: the emulator has closed it */
};

struct joints {
	size_t count;
	struct joint joints[];
};

static int connect_port(int port, struct error *error)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int on = 1;
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "a socket");
	/* Where nobody listens this machine says so at once. */
	if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 && errno != EINPROGRESS)
		return error_set_errno(error, -errno, NULL, "cannot connect to 127.0.0.1:%d", port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return TAKE_FD(fd);
}

static int open_pty(const char *path, struct error *error)
{
	cleanup_close int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios settings;
	if (fd < 0 || tcgetattr(fd, &settings) < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", path);
	cfmakeraw(&settings);
	if (tcsetattr(fd, TCSANOW, &settings) < 0)
		return error_set_errno(error, -errno, NULL, "cannot set up %s", path);
	return TAKE_FD(fd);
}

int joints_connect(int dirfd, const struct external_channel *offer, struct error *error)
{
	if (offer->via == EXTERNAL_VIA_UNIX && offer->socket)
		return listener_connect_unix(dirfd, offer->socket, error);
	if (offer->via == EXTERNAL_VIA_TCP && offer->port)
		return connect_port(offer->port, error);
	if (offer->via == EXTERNAL_VIA_PTY && offer->path)
		return open_pty(offer->path, error);
	return error_set(error, -ENOTCONN, NULL, "its driver has not told where it is found");
}

static void on_end(int number, void *data)
{
	struct joint *joint = data;
	(void) number;
	bridge_destroy(TAKE(joint->bridge));
}

static bool needs_bridge(const struct external_plan *plan, size_t index)
{
	enum external_via via = plan->offers[index].via;
	return plan->channels[index].kind == CHANNEL_CONSOLE && via != EXTERNAL_VIA_FILES &&
	       via != EXTERNAL_VIA_STDIO;
}

struct joints *joints_create(struct loop *loop, int dirfd, const struct external_plan *plan,
			     struct error *error)
{
	struct joints *joints = calloc(1, sizeof(*joints) + plan->count * sizeof(struct joint));
	if (!joints) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (!needs_bridge(plan, i))
			continue;
		struct joint *joint = &joints->joints[joints->count++];
		int fd = joints_connect(dirfd, &plan->offers[i], error);
		if (fd >= 0)
			joint->bridge =
			    bridge_create(loop, fd, dirfd, plan->channels[i].name, on_end, joint, error);
		if (joint->bridge)
			continue;
		error_wrap(error, "the console \"%s\"", plan->channels[i].name);
		joints_destroy(joints);
		return NULL;
	}
	return joints;
}

void joints_destroy(struct joints *joints)
{
	if (!joints)
		return;
	for (size_t i = 0; i < joints->count; i++)
		bridge_destroy(joints->joints[i].bridge);
	free(joints);
}

void joints_drop_input(struct joints *joints)
{
	for (size_t i = 0; joints && i < joints->count; i++)
		if (joints->joints[i].bridge)
			bridge_drop_input(joints->joints[i].bridge);
}

int joints_open_files(int dirfd, const char *console, int *ret_stdin, int *ret_stdout, struct error *error)
{
	cleanup_free char *input = text_format("%s.in", console);
	cleanup_free char *output = text_format("%s.out", console);
	if (!input || !output)
		return error_set(error, -ENOMEM, NULL, "no memory");
	/* The shim holds the FIFO's other end: opening this one does not wait. */
	cleanup_close int in = openat(dirfd, input, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", input);
	cleanup_close int out = openat(dirfd, output, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (out < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", output);
	*ret_stdin = TAKE_FD(in);
	*ret_stdout = TAKE_FD(out);
	return 0;
}
