#include "core/process/namespaces.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOCKETS_AT_ONCE = 4 };

struct namespaces {
	int user_fd, net_fd;
	int sockets[SOCKETS_AT_ONCE]; /* made, and not yet handed out */
	int socket_count;
};

/* What a visitor of the namespaces brings back: descriptors that lie in our table, for it shares that. */
struct visit {
	int number; /* 0 or a negative errno */
	const char *what;
	struct namespaces found;
};

/* ---- in the visitor: a copy of us that ends at once ---- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t count = write(fd, text, strlen(text));
	int result = count < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int map_ids(uid_t uid, gid_t gid)
{
	char map[64];
	/* Without this an unprivileged user may map no group; a kernel before 3.19 has no such file. */
	int result = write_file("/proc/self/setgroups", "deny");
	if (result < 0 && result != -ENOENT)
		return result;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	result = write_file("/proc/self/uid_map", map);
	if (result < 0)
		return result;
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

static int raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int result = ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	if (result == 0)
		result = ioctl(fd, SIOCSIFFLAGS, &request);
	result = result < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int open_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_sockets(struct namespaces *found)
{
	while (found->socket_count < SOCKETS_AT_ONCE) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return found->socket_count > 0 ? 0 : -errno;
		found->sockets[found->socket_count++] = fd;
	}
	return 0;
}

static void set_up(struct visit *visit, uid_t uid, gid_t gid)
{
	visit->what = "mapping the user";
	visit->number = map_ids(uid, gid);
	if (visit->number < 0)
		return;
	visit->what = "loopback";
	visit->number = raise_loopback();
	if (visit->number < 0)
		return;
	visit->what = "opening the namespace";
	visit->found.user_fd = open_namespace("/proc/self/ns/user");
	visit->found.net_fd = visit->found.user_fd < 0 ? -1 : open_namespace("/proc/self/ns/net");
	visit->number = visit->found.user_fd < 0  ? visit->found.user_fd
			: visit->found.net_fd < 0 ? visit->found.net_fd
						  : make_sockets(&visit->found);
}

/* ---- here ---- */

/*
 * A visitor begins in new namespaces (flags) or enters those there are. It is a fork that shares our table of
 * descriptors: what it opens inside is open here, and needs no sending. The pipe's bytes outlive it.
 */
static int send_visitor(struct namespaces *known, unsigned long flags, struct visit *visit,
			struct error *error)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(error, -errno, NULL, "cannot visit a namespace");
	cleanup_close int read_end = ends[0];
	cleanup_close int write_end = ends[1];
	sigset_t all, before;
	/* No handler of ours may run in it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	long pid = syscall(SYS_clone, flags | CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		if (!known) {
			set_up(visit, uid, gid);
		} else {
			visit->what = "entering the namespace";
			visit->number = namespaces_enter(known);
			if (!visit->number)
				visit->number = make_sockets(&visit->found);
		}
		_exit(write(write_end, visit, sizeof(*visit)) == sizeof(*visit) ? 0 : 1);
	}
	int number = pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (number < 0)
		return error_set_errno(error, number, NULL, "no namespaces can be made here");
	while (waitpid((pid_t) pid, NULL, 0) < 0 && errno == EINTR)
		;
	ssize_t length = read(read_end, visit, sizeof(*visit));
	if (length != sizeof(*visit))
		return error_set(error, -ECHILD, NULL, "a visitor of a namespace was killed");
	return visit->number ? error_set_errno(error, visit->number, NULL, "%s", visit->what) : 0;
}

static struct visit begin_visit(void)
{
	return (struct visit){.found = {.user_fd = -1, .net_fd = -1}};
}

struct namespaces *namespaces_create(struct error *error)
{
	struct namespaces *namespaces = calloc(1, sizeof(*namespaces));
	if (!namespaces) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	/* An administrator's way to do without them, and a test's. */
	if (getenv("EMUD_NO_NAMESPACES")) {
		free(namespaces);
		error_set(error, -EPERM, NULL, "EMUD_NO_NAMESPACES is set");
		return NULL;
	}
	struct visit visit = begin_visit();
	int result = send_visitor(NULL, CLONE_NEWUSER | CLONE_NEWNET, &visit, error);
	*namespaces = visit.found;
	if (result == 0)
		return namespaces;
	namespaces_destroy(namespaces);
	return NULL;
}

void namespaces_destroy(struct namespaces *namespaces)
{
	if (!namespaces)
		return;
	while (namespaces->socket_count > 0)
		close(namespaces->sockets[--namespaces->socket_count]);
	cleanup_close_descriptor(&namespaces->net_fd);
	cleanup_close_descriptor(&namespaces->user_fd);
	free(namespaces);
}

int namespaces_socket(struct namespaces *namespaces, struct error *error)
{
	if (namespaces->socket_count == 0) {
		struct visit visit = begin_visit();
		int result = send_visitor(namespaces, 0, &visit, error);
		if (result < 0)
			return result;
		memcpy(namespaces->sockets, visit.found.sockets, sizeof(visit.found.sockets));
		namespaces->socket_count = visit.found.socket_count;
	}
	return namespaces->sockets[--namespaces->socket_count];
}

int namespaces_enter(const struct namespaces *namespaces)
{
	if (setns(namespaces->user_fd, CLONE_NEWUSER) < 0)
		return -errno;
	return setns(namespaces->net_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

bool namespaces_are_permitted(void)
{
	struct namespaces *namespaces = namespaces_create(NULL);
	namespaces_destroy(namespaces);
	return namespaces;
}
