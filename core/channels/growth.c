#include "core/channels/growth.h"

#include "core/base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>

enum { BUCKETS = 64, LINGER_MS = 1000, RETRY_MS = 20 };

struct growth_watch {
	LIST_ENTRY(growth_watch) entry;
	struct file *file;
	int fd;
	int64_t seen;
	void (*on_growth)(void *data);
	void *data;
};

struct file {
	LIST_ENTRY(file) by_inode, by_watch;
	struct growth *growth;
	dev_t device;
	ino_t inode;
	int descriptor; /* inotify's; -1: not armed */
	bool looking;
	struct growth_watch *next; /* while looking: whose turn it is */
	struct loop_timer *timer;
	LIST_HEAD(watches, growth_watch) watches;
	unsigned pace_ms; /* of the latest look */
};

LIST_HEAD(file_list, file);

struct growth {
	struct loop *loop;
	int fd; /* inotify; -1: none */
	struct loop_watch *readable;
	struct loop_timer *linger;
	size_t file_count;
	bool kept; /* the instance stays without a file */
	struct file_list by_inode[BUCKETS], by_watch[BUCKETS];
};

static void close_instance(void *data)
{
	struct growth *growth = data;
	loop_watch_destroy(TAKE(growth->readable));
	cleanup_close_descriptor(&growth->fd);
	growth->fd = -1;
}

struct growth *growth_create(struct loop *loop, struct error *error)
{
	struct growth *growth = calloc(1, sizeof(*growth));
	if (!growth) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	growth->loop = loop;
	growth->fd = -1;
	growth->linger = loop_timer_create(loop, close_instance, growth, error);
	if (growth->linger)
		return growth;
	growth_destroy(growth);
	return NULL;
}

void growth_destroy(struct growth *growth)
{
	if (!growth)
		return;
	close_instance(growth);
	loop_timer_destroy(growth->linger);
	free(growth);
}

/* ---- arming: one inotify watch a file, gone with the first modification ---- */

static void disarm(struct file *file)
{
	if (file->descriptor < 0)
		return;
	LIST_REMOVE(file, by_watch);
	file->descriptor = -1;
}

static int arm(struct file *file)
{
	struct growth *growth = file->growth;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", LIST_FIRST(&file->watches)->fd);
	int descriptor = inotify_add_watch(growth->fd, path, IN_MODIFY | IN_ONESHOT);
	if (descriptor < 0)
		return -errno;
	disarm(file);
	file->descriptor = descriptor;
	LIST_INSERT_HEAD(&growth->by_watch[descriptor % BUCKETS], file, by_watch);
	return 0;
}

/* ---- looking ---- */

/* Closing an instance can take the kernel 15 ms: not at every coming and going. */
static void start_lingering(struct growth *growth)
{
	if (growth->file_count == 0 && !growth->kept)
		loop_timer_start(growth->linger, LINGER_MS);
}

static void file_destroy(struct file *file)
{
	struct growth *growth = file->growth;
	if (file->descriptor >= 0)
		inotify_rm_watch(growth->fd, file->descriptor);
	disarm(file);
	LIST_REMOVE(file, by_inode);
	loop_timer_destroy(file->timer);
	free(file);
	growth->file_count--;
	start_lingering(growth);
}

static int64_t file_size(const struct file *file)
{
	struct stat status;
	return fstat(LIST_FIRST(&file->watches)->fd, &status) < 0 ? -1 : status.st_size;
}

/* Tells who has not seen the file's present size; true if there was anybody. May empty the file's list. */
static bool tell(struct file *file)
{
	bool grown = false;
	int64_t size = file_size(file);
	file->looking = true;
	for (struct growth_watch *watch = LIST_FIRST(&file->watches); watch; watch = file->next) {
		file->next = LIST_NEXT(watch, entry);
		if (watch->seen >= size)
			continue;
		grown = true;
		watch->seen = size;
		watch->on_growth(watch->data);
	}
	file->looking = false;
	return grown;
}

/* The rest of a short burst, say an echo, is there soon: what goes on for longer is looked at less often. */
static uint64_t next_pace(struct file *file)
{
	if (file->pace_ms < GROWTH_PACE_MS)
		file->pace_ms++;
	return file->pace_ms;
}

static void look(void *data)
{
	struct file *file = data;
	bool grown = tell(file);
	/* What is written between the look and the arming is found by the look behind it. */
	bool armed = file->descriptor >= 0;
	if (!grown && !armed && !LIST_EMPTY(&file->watches)) {
		armed = arm(file) == 0;
		grown = tell(file);
	}
	if (LIST_EMPTY(&file->watches))
		file_destroy(file);
	else if (grown)
		loop_timer_start(file->timer, next_pace(file));
	else if (!armed)
		loop_timer_start(file->timer, RETRY_MS);
}

static void on_modified(struct growth *growth, int descriptor)
{
	struct file *file = LIST_FIRST(&growth->by_watch[descriptor % BUCKETS]);
	while (file && file->descriptor != descriptor)
		file = LIST_NEXT(file, by_watch);
	if (!file)
		return;
	disarm(file);
	file->pace_ms = 0;
	if (!loop_timer_is_active(file->timer))
		look(file);
}

static void on_readable(int events, void *data)
{
	(void) events;
	struct growth *growth = data;
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t count = read(growth->fd, bytes, sizeof(bytes));
	for (ssize_t at = 0; at < count;) {
		const struct inotify_event *event = (const void *) (bytes + at);
		at += (ssize_t) (sizeof(*event) + event->len);
		if (event->mask & IN_MODIFY)
			on_modified(growth, event->wd);
	}
}

/* ---- subscribers ---- */

static int open_instance(struct growth *growth, struct error *error)
{
	loop_timer_stop(growth->linger);
	if (growth->fd >= 0)
		return 0;
	growth->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (growth->fd < 0)
		return error_set(error, -errno, "no_watches",
				 "cannot watch files for growth: no inotify instance left");
	growth->readable =
	    loop_watch_create(growth->loop, growth->fd, LOOP_READABLE, on_readable, growth, error);
	if (growth->readable)
		return 0;
	close_instance(growth);
	return -ENOMEM;
}

int growth_keep(struct growth *growth, struct error *error)
{
	int result = open_instance(growth, error);
	growth->kept = result == 0;
	return result;
}

static struct file *find_file(struct growth *growth, const struct stat *status)
{
	struct file *file = LIST_FIRST(&growth->by_inode[status->st_ino % BUCKETS]);
	while (file && (file->inode != status->st_ino || file->device != status->st_dev))
		file = LIST_NEXT(file, by_inode);
	return file;
}

static struct file *enter_file(struct growth *growth, const struct stat *status, struct error *error)
{
	struct file *file = calloc(1, sizeof(*file));
	if (!file) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	file->timer = loop_timer_create(growth->loop, look, file, error);
	if (!file->timer) {
		free(file);
		return NULL;
	}
	file->growth = growth;
	file->device = status->st_dev;
	file->inode = status->st_ino;
	file->descriptor = -1;
	growth->file_count++;
	LIST_INSERT_HEAD(&growth->by_inode[file->inode % BUCKETS], file, by_inode);
	return file;
}

struct growth_watch *growth_watch_create(struct growth *growth, int fd, int64_t offset,
					 void (*on_growth)(void *data), void *data, struct error *error)
{
	struct stat status;
	if (fstat(fd, &status) < 0) {
		error_set_errno(error, -errno, NULL, "cannot watch a file for growth");
		return NULL;
	}
	if (open_instance(growth, error) < 0)
		return NULL;
	struct file *file = find_file(growth, &status);
	bool fresh = !file;
	if (fresh)
		file = enter_file(growth, &status, error);
	struct growth_watch *watch = file ? calloc(1, sizeof(*watch)) : NULL;
	if (!watch) {
		error_set(error, -ENOMEM, NULL, "no memory");
		if (file && fresh)
			file_destroy(file);
		start_lingering(growth);
		return NULL;
	}
	*watch = (struct growth_watch){
	    .file = file, .fd = fd, .seen = offset, .on_growth = on_growth, .data = data};
	LIST_INSERT_HEAD(&file->watches, watch, entry);
	int result = fresh ? arm(file) : 0;
	if (result < 0) {
		growth_watch_destroy(watch);
		error_set(error, result, result == -ENOSPC ? "no_watches" : NULL,
			  "cannot watch a file for growth: %s",
			  result == -ENOSPC ? "no inotify watch left" : strerror(-result));
		return NULL;
	}
	if (file_size(file) > offset && !loop_timer_is_active(file->timer))
		loop_timer_start(file->timer, 0);
	return watch;
}

void growth_watch_destroy(struct growth_watch *watch)
{
	if (!watch)
		return;
	struct file *file = watch->file;
	if (file->next == watch)
		file->next = LIST_NEXT(watch, entry);
	LIST_REMOVE(watch, entry);
	free(watch);
	if (LIST_EMPTY(&file->watches) && !file->looking)
		file_destroy(file);
}
