#include "server/http/vigil.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* An epoll set of its own, because a reader's readiness does not serve: a pipelined request makes the
 * descriptor readable too, and hides the end behind it. EPOLLRDHUP tells the end alone. */
struct vigil {
	int epoll_fd;
	struct loop_watch *watch;
	void (*on_gone)(void *data);
};

enum { EVENTS_A_TURN = 64 };

static void on_ready(int events, void *data)
{
	(void) events;
	struct vigil *vigil = data;
	struct epoll_event told[EVENTS_A_TURN];
	int count = epoll_wait(vigil->epoll_fd, told, EVENTS_A_TURN, 0);
	for (int i = 0; i < count; i++)
		vigil->on_gone(told[i].data.ptr);
}

struct vigil *vigil_create(struct loop *loop, void (*on_gone)(void *data), struct error *error)
{
	struct vigil *vigil = calloc(1, sizeof(*vigil));
	if (!vigil) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	vigil->on_gone = on_gone;
	vigil->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (vigil->epoll_fd < 0)
		error_set_errno(error, -errno, "no_descriptors", "cannot make an epoll set");
	else
		vigil->watch =
		    loop_watch_create(loop, vigil->epoll_fd, LOOP_READABLE, on_ready, vigil, error);
	if (vigil->watch)
		return vigil;
	vigil_destroy(vigil);
	return NULL;
}

void vigil_destroy(struct vigil *vigil)
{
	if (!vigil)
		return;
	loop_watch_destroy(vigil->watch);
	if (vigil->epoll_fd >= 0)
		close(vigil->epoll_fd);
	free(vigil);
}

int vigil_add(struct vigil *vigil, int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = data};
	return epoll_ctl(vigil->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void vigil_remove(struct vigil *vigil, int fd)
{
	epoll_ctl(vigil->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}
