#include "core/channels/directory_notice.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>

struct directory_notice {
	int fd;         /* the directory */
	int inotify_fd; /* -1: dnotify serves */
	struct loop_signal *signal;
	struct loop_watch *readable;
	void (*on_modified)(void *data);
	void *data;
};

static void on_signal(int signal_number, void *data)
{
	(void) signal_number;
	struct directory_notice *notice = data;
	notice->on_modified(notice->data);
}

static void on_readable(int events, void *data)
{
	(void) events;
	struct directory_notice *notice = data;
	char told[4096];
	if (read(notice->inotify_fd, told, sizeof(told)) > 0)
		notice->on_modified(notice->data);
}

int directory_notice_arm(struct directory_notice *notice)
{
	if (notice->inotify_fd < 0)
		return fcntl(notice->fd, F_NOTIFY, DN_MODIFY) < 0 ? -errno : 0;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", notice->fd);
	uint32_t mask = IN_MODIFY | IN_ONESHOT | IN_ONLYDIR;
	return inotify_add_watch(notice->inotify_fd, path, mask) < 0 ? -errno : 0;
}

static int use_dnotify(struct directory_notice *notice, struct loop *loop, struct error *error)
{
	/* The handler first: SIGIO ends a process that does not handle it. */
	notice->signal = loop_signal_create(loop, SIGIO, on_signal, notice, error);
	if (!notice->signal)
		return -ENOMEM;
	if (directory_notice_arm(notice) == 0)
		return 0;
	loop_signal_destroy(TAKE(notice->signal));
	return error_set_errno(error, -ENOTSUP, NULL, "no dnotify");
}

static int use_inotify(struct directory_notice *notice, struct loop *loop, struct error *error)
{
	notice->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (notice->inotify_fd < 0 || directory_notice_arm(notice) < 0)
		return error_set_errno(error, -ENOTSUP, "no_watches", "no inotify");
	notice->readable =
	    loop_watch_create(loop, notice->inotify_fd, LOOP_READABLE, on_readable, notice, error);
	return notice->readable ? 0 : -ENOMEM;
}

struct directory_notice *directory_notice_create(struct loop *loop, int dirfd,
						 void (*on_modified)(void *data), void *data,
						 struct error *error)
{
	struct directory_notice *notice = calloc(1, sizeof(*notice));
	if (!notice) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*notice = (struct directory_notice){.inotify_fd = -1, .on_modified = on_modified, .data = data};
	notice->fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (notice->fd < 0)
		error_set_errno(error, -errno, NULL, "cannot open the state directory");
	else if (use_dnotify(notice, loop, error) == 0 || use_inotify(notice, loop, error) == 0)
		return notice;
	directory_notice_destroy(notice);
	return NULL;
}

void directory_notice_destroy(struct directory_notice *notice)
{
	if (!notice)
		return;
	loop_watch_destroy(notice->readable);
	if (notice->inotify_fd >= 0)
		close(notice->inotify_fd);
	/* Closing the directory disarms dnotify; a signal under way still finds its handler. */
	if (notice->fd >= 0)
		close(notice->fd);
	loop_signal_destroy(notice->signal);
	free(notice);
}
