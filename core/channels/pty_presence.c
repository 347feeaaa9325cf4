#include "core/channels/pty_presence.h"

#include "core/base/cleanup.h"

#include <poll.h>
#include <sys/inotify.h>

enum { LOOK_MS = 250 };

struct pty_presence {
	const struct pty *pty;
	int fd; /* inotify; -1: looked at by the timer */
	struct loop_watch *readable;
	struct loop_timer *look;
	void (*on_open)(void *data);
	void *data;
};

bool pty_is_open(const struct pty *pty)
{
	struct pollfd master = {.fd = pty->master};
	return poll(&master, 1, 0) >= 0 && !(master.revents & POLLHUP);
}

static void on_readable(int events, void *data)
{
	(void) events;
	struct pty_presence *presence = data;
	char told[4096];
	if (read(presence->fd, told, sizeof(told)) > 0)
		presence->on_open(presence->data);
}

static void on_look(void *data)
{
	struct pty_presence *presence = data;
	loop_timer_start(presence->look, LOOK_MS);
	if (pty_is_open(presence->pty))
		presence->on_open(presence->data);
}

static int watch(struct pty_presence *presence, struct loop *loop, struct error *error)
{
	presence->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (presence->fd >= 0 && inotify_add_watch(presence->fd, presence->pty->path, IN_OPEN) >= 0) {
		presence->readable =
		    loop_watch_create(loop, presence->fd, LOOP_READABLE, on_readable, presence, error);
		return presence->readable ? 0 : -ENOMEM;
	}
	cleanup_close_descriptor(&presence->fd);
	presence->fd = -1;
	presence->look = loop_timer_create(loop, on_look, presence, error);
	if (!presence->look)
		return -ENOMEM;
	loop_timer_start(presence->look, LOOK_MS);
	return 0;
}

struct pty_presence *pty_presence_create(struct loop *loop, const struct pty *pty,
					 void (*on_open)(void *data), void *data, struct error *error)
{
	struct pty_presence *presence = calloc(1, sizeof(*presence));
	if (!presence) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*presence = (struct pty_presence){.pty = pty, .fd = -1, .on_open = on_open, .data = data};
	if (watch(presence, loop, error) == 0)
		return presence;
	pty_presence_destroy(presence);
	return NULL;
}

void pty_presence_destroy(struct pty_presence *presence)
{
	if (!presence)
		return;
	loop_watch_destroy(presence->readable);
	loop_timer_destroy(presence->look);
	cleanup_close_descriptor(&presence->fd);
	free(presence);
}
