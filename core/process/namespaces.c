#include "core/process/namespaces.h"

#include "core/base/cleanup.h"
#include "core/process/visitor.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_AT_ONCE = 4 };

struct namespaces {
	int user_fd, net_fd;
	int sockets[SOCKETS_AT_ONCE]; /* made, and not yet handed out */
	int socket_count;
};

/* What a visitor of the namespaces is told, and what it brings back: descriptors that lie in our table. */
struct visit {
	const struct namespaces *known; /* NULL: they are new */
	struct visitor_user user;
	int number; /* 0 or a negative errno */
	const char *what;
	struct namespaces found;
};

/* ---- in the visitor: a copy of us that ends at once ---- */

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

static void set_up(struct visit *visit)
{
	visit->what = "mapping the user";
	visit->number = visitor_map_user(visit->user);
	if (visit->number < 0)
		return;
	visit->what = "loopback";
	visit->number = raise_loopback();
	if (visit->number < 0)
		return;
	visit->what = "opening the namespace";
	visit->found.user_fd = visitor_open_namespace("user");
	visit->found.net_fd = visit->found.user_fd < 0 ? -1 : visitor_open_namespace("net");
	visit->number = visit->found.user_fd < 0  ? visit->found.user_fd
			: visit->found.net_fd < 0 ? visit->found.net_fd
						  : make_sockets(&visit->found);
}

static void go_and_see(void *data)
{
	struct visit *visit = data;
	if (!visit->known) {
		set_up(visit);
		return;
	}
	visit->what = "entering the namespace";
	visit->number = namespaces_enter(visit->known);
	if (!visit->number)
		visit->number = make_sockets(&visit->found);
}

/* ---- here ---- */

/* Begins in new namespaces (flags) or enters those there are. */
static int send_visitor(const struct namespaces *known, unsigned long flags, struct visit *visit,
			struct error *error)
{
	visit->known = known;
	visit->user = visitor_user();
	int result = visitor_send(flags, go_and_see, visit, sizeof(*visit), error);
	if (result < 0)
		return result;
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
