#include "server/http/linger.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_MS = 3000, LINGER_BYTES = 4 * 1024 * 1024, LINGER_MOST = 64 };

struct lingerer {
	struct lingerers *all;
	struct lingerer *previous, *next;
	int fd;
	size_t swallowed;
	struct loop_watch *watch;
	struct loop_timer *timer;
};

struct lingerers {
	struct loop *loop;
	struct lingerer *first;
	unsigned count;
};

static void finish(struct lingerer *lingerer)
{
	struct lingerers *all = lingerer->all;
	*(lingerer->previous ? &lingerer->previous->next : &all->first) = lingerer->next;
	if (lingerer->next)
		lingerer->next->previous = lingerer->previous;
	all->count--;
	loop_watch_destroy(lingerer->watch);
	loop_timer_destroy(lingerer->timer);
	close(lingerer->fd);
	free(lingerer);
}

static void on_timeout(void *data)
{
	finish(data);
}

static void on_readable(int events, void *data)
{
	(void) events;
	struct lingerer *lingerer = data;
	char bytes[16 * 1024];
	ssize_t count = recv(lingerer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count > 0)
		lingerer->swallowed += (size_t) count;
	if (count <= 0 || lingerer->swallowed > LINGER_BYTES)
		finish(lingerer);
}

struct lingerers *lingerers_create(struct loop *loop)
{
	struct lingerers *lingerers = calloc(1, sizeof(*lingerers));
	if (lingerers)
		lingerers->loop = loop;
	return lingerers;
}

void lingerers_destroy(struct lingerers *lingerers)
{
	if (!lingerers)
		return;
	while (lingerers->first)
		finish(lingerers->first);
	free(lingerers);
}

void lingerers_add(struct lingerers *lingerers, int fd)
{
	if (lingerers->count >= LINGER_MOST)
		return;
	struct lingerer *lingerer = calloc(1, sizeof(*lingerer));
	if (!lingerer)
		return;
	lingerer->all = lingerers;
	lingerer->next = lingerers->first;
	if (lingerer->next)
		lingerer->next->previous = lingerer;
	lingerers->first = lingerer;
	lingerers->count++;
	lingerer->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (lingerer->fd >= 0)
		lingerer->watch = loop_watch_create(lingerers->loop, lingerer->fd, LOOP_READABLE, on_readable,
						    lingerer, NULL);
	lingerer->timer = loop_timer_create(lingerers->loop, on_timeout, lingerer, NULL);
	if (lingerer->watch && lingerer->timer)
		loop_timer_start(lingerer->timer, LINGER_MS);
	else
		finish(lingerer);
}
