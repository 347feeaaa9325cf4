#include "core/emulators/external/log_window.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_guard.h"

#include <fcntl.h>

struct log_window {
	int dirfd;
	struct console_guard *guard;
	int logs[LOG_WINDOW_PROCESSES];
	size_t count;
};

/* The instance's own guard looks at the disk, and tells where a file system cannot free what is old. */
static void ignore(void *data)
{
	(void) data;
}

static void ignore_warning(const char *message, void *data)
{
	(void) message;
	(void) data;
}

static const struct console_guard_events guard_events = {
    .on_disk_full = ignore, .on_disk_freed = ignore, .on_warning = ignore_warning};

struct log_window *log_window_create(struct loop *loop, int dirfd, struct error *error)
{
	struct log_window *window = calloc(1, sizeof(*window));
	if (!window) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	window->dirfd = dirfd;
	window->guard = console_guard_create(loop, dirfd, LOG_WINDOW_BYTES, 0, &guard_events, window, error);
	if (window->guard)
		return window;
	free(window);
	return NULL;
}

int log_window_add(struct log_window *window, const char *process, struct error *error)
{
	cleanup_free char *name = text_format("%s.log", process);
	if (!name || window->count == LOG_WINDOW_PROCESSES)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int fd = openat(window->dirfd, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", name);
	window->logs[window->count++] = fd;
	return console_guard_add(window->guard, fd, error);
}

void log_window_destroy(struct log_window *window)
{
	if (!window)
		return;
	console_guard_destroy(window->guard);
	for (size_t i = 0; i < window->count; i++)
		close(window->logs[i]);
	free(window);
}
