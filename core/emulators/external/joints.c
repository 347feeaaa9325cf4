#include "core/emulators/external/joints.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/bridge.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

struct joint {
	struct bridge *bridge; /* NULL: the emulator has closed it */
};

struct joints {
	size_t count;
	struct joint joints[];
};

/* Whoever writes the state directory may have put something else there: only a socket of it is connected to.
 */
static int connect_socket(int dirfd, const char *name, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int place = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	if (place < 0 || fstat(place, &status) < 0)
		return error_set_errno(error, -errno, NULL, "cannot connect to %s", name);
	if (!S_ISSOCK(status.st_mode))
		return error_set(error, -ENOTSOCK, NULL, "cannot connect to %s: it is no socket", name);
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
	if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		return error_set_errno(error, -errno, NULL, "cannot connect to %s", name);
	return TAKE_FD(fd);
}

static int connect_port(int port, struct error *error)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int on = 1;
	int number = 0;
	socklen_t length = sizeof(number);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "a socket");
	if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		number = errno;
	/* This machine has answered already: where nobody listens, that he does not. */
	if (number == EINPROGRESS)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length);
	if (number)
		return error_set_errno(error, -number, NULL, "cannot connect to 127.0.0.1:%d", port);
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
		return connect_socket(dirfd, offer->socket, error);
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

/* The file of that kind; another that was put there meanwhile holds nobody up. It is open for waiting then.
 */
static int open_file(int dirfd, const char *console, const char *suffix, int flags, mode_t kind,
		     struct error *error)
{
	cleanup_free char *name = text_format("%s%s", console, suffix);
	struct stat status;
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory");
	cleanup_close int fd = openat(dirfd, name, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", name);
	if ((status.st_mode & S_IFMT) != kind)
		return error_set(error, -EINVAL, NULL, "%s is not the file it was", name);
	if (fcntl(fd, F_SETFL, flags) < 0)
		return error_set_errno(error, -errno, NULL, "cannot use %s", name);
	return TAKE_FD(fd);
}

int joints_open_files(int dirfd, const char *console, int *ret_stdin, int *ret_stdout, struct error *error)
{
	cleanup_close int in = open_file(dirfd, console, ".in", O_RDONLY, S_IFIFO, error);
	if (in < 0)
		return in;
	int out = open_file(dirfd, console, ".out", O_WRONLY | O_APPEND, S_IFREG, error);
	if (out < 0)
		return out;
	*ret_stdin = TAKE_FD(in);
	*ret_stdout = out;
	return 0;
}
