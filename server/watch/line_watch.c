#include "server/watch/line_watch.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/watch/last_line.h"

#include <string.h>
#include <sys/stat.h>

enum { RETRY_MS = 2000 }; /* where no inotify watch is left */

struct line_watch {
	struct growth *growth;
	int fd;
	int64_t seen_offset;
	struct growth_watch *growing; /* NULL while it is paced */
	struct loop_timer *pace;
	char *text;
	void (*on_line)(void *data);
	void *data;
};

/* Freed heads of the file are NULs, which a line is without. */
static char *read_line(int fd, int64_t *ret_end)
{
	struct stat status;
	char bytes[LAST_LINE_READ_BYTES];
	if (fstat(fd, &status) < 0)
		return strdup("");
	off_t begin = status.st_size > LAST_LINE_READ_BYTES ? status.st_size - LAST_LINE_READ_BYTES : 0;
	ssize_t count = pread(fd, bytes, sizeof(bytes), begin);
	size_t length = count > 0 ? (size_t) count : 0;
	*ret_end = begin + (off_t) length;
	return last_line_find(bytes, length);
}

char *line_read(int fd)
{
	int64_t end;
	return read_line(fd, &end);
}

/* The watch may be gone afterwards. */
static void look(struct line_watch *watch)
{
	char *text = read_line(watch->fd, &watch->seen_offset);
	if (!text || text_equal(text, watch->text)) {
		free(text);
		return;
	}
	free(watch->text);
	watch->text = text;
	watch->on_line(watch->data);
}

static void on_growth(void *data)
{
	struct line_watch *watch = data;
	growth_watch_destroy(TAKE(watch->growing));
	loop_timer_start(watch->pace, LINE_PACE_MS);
	look(watch);
}

static void on_pace(void *data)
{
	struct line_watch *watch = data;
	watch->growing =
	    growth_watch_create(watch->growth, watch->fd, watch->seen_offset, on_growth, watch, NULL);
	if (watch->growing)
		return;
	loop_timer_start(watch->pace, RETRY_MS);
	look(watch);
}

struct line_watch *line_watch_create(struct loop *loop, struct growth *growth, int fd,
				     void (*on_line)(void *data), void *data, struct error *error)
{
	struct line_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		close(fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*watch = (struct line_watch){.growth = growth, .fd = fd, .on_line = on_line, .data = data};
	watch->pace = loop_timer_create(loop, on_pace, watch, error);
	watch->text = read_line(fd, &watch->seen_offset);
	if (watch->pace && watch->text) {
		loop_timer_start(watch->pace, 0);
		return watch;
	}
	line_watch_destroy(watch);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void line_watch_destroy(struct line_watch *watch)
{
	if (!watch)
		return;
	growth_watch_destroy(watch->growing);
	loop_timer_destroy(watch->pace);
	close(watch->fd);
	free(watch->text);
	free(watch);
}

const char *line_watch_text(const struct line_watch *watch)
{
	return watch->text;
}
