#include "core/channels/console_guard.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "core/channels/directory_notice.h"

#include <fcntl.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
	FULL_LOOK_MS = 2000,
	TICK_MS = 1000,
	PACE_MIN_MS = 5,
	BYTES_A_MS = 1 << 20, /* what a guest is believed to write at most */
	SPARE_PART =
	    8, /* freed means this part of the limit beyond it, so that full and freed do not take turns */
};

struct output {
	LIST_ENTRY(output) entry;
	int fd;
	int64_t keep_bytes;
	int64_t size; /* as of the last look */
	bool trim_failed;
};

struct console_guard {
	struct loop *loop;
	int dirfd;
	uint64_t free_bytes;
	struct directory_notice *notices[2]; /* the first count; a NULL of them: looks every TICK_MS */
	size_t notice_count;
	struct loop_timer *look;
	bool warned;    /* that it ticks */
	bool disk_full; /* as far as its owner knows */
	bool *gone;     /* while events are told: set when one of them destroys the guard */
	const struct console_guard_events *events;
	void *data;
	LIST_HEAD(outputs, output) outputs;
};

/* ---- the disk ---- */

static uint64_t free_space(const struct console_guard *guard)
{
	struct statvfs status;
	if (fstatvfs(guard->dirfd, &status) < 0)
		return UINT64_MAX;
	return (uint64_t) status.f_bavail * status.f_frsize;
}

/* May destroy the guard. */
static void look_at_disk(struct console_guard *guard)
{
	if (guard->free_bytes == 0)
		return;
	uint64_t space = free_space(guard);
	if (!guard->disk_full && space < guard->free_bytes) {
		guard->disk_full = true;
		guard->events->on_disk_full(guard->data);
	} else if (guard->disk_full && space >= guard->free_bytes + guard->free_bytes / SPARE_PART) {
		guard->disk_full = false;
		guard->events->on_disk_freed(guard->data);
	}
}

/* When to look again while bytes flow: before the room there is can be gone. */
static uint64_t pace_ms(const struct console_guard *guard)
{
	if (guard->free_bytes == 0)
		return CONSOLE_GUARD_PACE_MS;
	uint64_t space = free_space(guard);
	uint64_t pace = space > guard->free_bytes ? (space - guard->free_bytes) / BYTES_A_MS : 0;
	return pace > CONSOLE_GUARD_PACE_MS ? CONSOLE_GUARD_PACE_MS : pace < PACE_MIN_MS ? PACE_MIN_MS : pace;
}

bool console_guard_is_disk_full(struct console_guard *guard)
{
	if (guard->free_bytes == 0 || free_space(guard) >= guard->free_bytes)
		return false;
	if (!guard->disk_full && !loop_timer_is_active(guard->look))
		loop_timer_start(guard->look, FULL_LOOK_MS);
	guard->disk_full = true;
	return true;
}

/* ---- the window ---- */

/* Trims one that has grown; the negative errno when that cannot be done here. */
static int look_at_output(struct output *output, bool *grown)
{
	struct stat status;
	if (fstat(output->fd, &status) < 0 || status.st_size == output->size)
		return 0;
	output->size = status.st_size;
	*grown = true;
	return output->trim_failed ? 0 : console_log_trim(output->fd, output->keep_bytes);
}

static void warn_of_trimming(struct console_guard *guard, int number)
{
	cleanup_free char *message =
	    text_format("a console's output cannot be cut to its window and grows on: %s", strerror(-number));
	guard->events->on_warning(message ? message : "a console's output grows on", guard->data);
}

/* True if any has grown. May destroy the guard. */
static bool look_at_outputs(struct console_guard *guard, const bool *gone)
{
	bool grown = false;
	for (struct output *output = LIST_FIRST(&guard->outputs); output; output = LIST_NEXT(output, entry)) {
		int result = look_at_output(output, &grown);
		if (result == 0)
			continue;
		output->trim_failed = true;
		warn_of_trimming(guard, result);
		if (*gone)
			return grown;
	}
	return grown;
}

/* ---- when to look ---- */

/* True if the next modification will be told. */
static bool arm(struct console_guard *guard)
{
	for (size_t i = 0; i < guard->notice_count; i++)
		if (!guard->notices[i] || directory_notice_arm(guard->notices[i]) < 0)
			return false;
	return true;
}

static void warn_of_ticking(struct console_guard *guard)
{
	if (guard->warned)
		return;
	guard->warned = true;
	guard->events->on_warning(
	    "neither dnotify nor inotify is to be had: console files are looked at every "
	    "second",
	    guard->data);
}

/* The events come last and tell through `gone` whether there still is a guard. */
static void look_and_tell(struct console_guard *guard, const bool *gone)
{
	bool grown = look_at_outputs(guard, gone);
	if (*gone)
		return;
	bool armed = false;
	if (!grown && !guard->disk_full) {
		/* What was written between the look and the arming is found by the look behind it. */
		armed = arm(guard);
		grown = look_at_outputs(guard, gone);
		if (*gone)
			return;
	}
	look_at_disk(guard);
	if (*gone)
		return;
	if (grown)
		loop_timer_start(guard->look, pace_ms(guard));
	else if (guard->disk_full)
		loop_timer_start(guard->look, FULL_LOOK_MS);
	else if (!armed) {
		loop_timer_start(guard->look, TICK_MS);
		warn_of_ticking(guard);
	}
}

static void look(void *data)
{
	struct console_guard *guard = data;
	bool gone = false;
	guard->gone = &gone;
	look_and_tell(guard, &gone);
	if (!gone)
		guard->gone = NULL;
}

static void on_modified(void *data)
{
	struct console_guard *guard = data;
	if (!loop_timer_is_active(guard->look))
		loop_timer_start(guard->look, pace_ms(guard));
}

/* ---- the guard ---- */

struct console_guard *console_guard_create(struct loop *loop, int dirfd, uint64_t free_bytes,
					   const struct console_guard_events *events, void *data,
					   struct error *error)
{
	struct console_guard *guard = calloc(1, sizeof(*guard));
	if (!guard) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*guard = (struct console_guard){.free_bytes = free_bytes, .events = events, .data = data};
	guard->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	guard->look = loop_timer_create(loop, look, guard, error);
	if (guard->dirfd < 0 || !guard->look) {
		error_set(error, -EMFILE, "no_descriptors", "cannot watch the state directory");
		console_guard_destroy(guard);
		return NULL;
	}
	guard->loop = loop;
	console_guard_add_directory(guard, dirfd);
	loop_timer_start(guard->look, 0);
	return guard;
}

void console_guard_add_directory(struct console_guard *guard, int dirfd)
{
	if (guard->notice_count == sizeof(guard->notices) / sizeof(guard->notices[0]))
		return;
	guard->notices[guard->notice_count++] =
	    directory_notice_create(guard->loop, dirfd, on_modified, guard, NULL);
}

int console_guard_add(struct console_guard *guard, int fd, int64_t keep_bytes, struct error *error)
{
	struct output *output = calloc(1, sizeof(*output));
	if (!output)
		return error_set(error, -ENOMEM, NULL, "no memory");
	output->fd = fd;
	output->keep_bytes = keep_bytes;
	LIST_INSERT_HEAD(&guard->outputs, output, entry);
	on_modified(guard);
	return 0;
}

void console_guard_destroy(struct console_guard *guard)
{
	if (!guard)
		return;
	if (guard->gone)
		*guard->gone = true;
	for (size_t i = 0; i < guard->notice_count; i++)
		directory_notice_destroy(guard->notices[i]);
	loop_timer_destroy(guard->look);
	for (struct output *output = LIST_FIRST(&guard->outputs), *next; output; output = next) {
		next = LIST_NEXT(output, entry);
		free(output);
	}
	if (guard->dirfd >= 0)
		close(guard->dirfd);
	free(guard);
}
