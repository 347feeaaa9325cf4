#include "server/watch/tail.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"

struct tail {
	struct tail_options options;
	int64_t offset, left;
	bool is_dry; /* all was read: not looked at again until it has grown */
	struct growth_watch *watch;
	struct board_wait *wait; /* NULL: nothing comes any more */
	enum tail_end end;
};

static enum board_progress is_over(const struct board *board, void *data)
{
	const struct tail *tail = data;
	bool has_passed = board_start_number(board) > tail->options.start_number;
	return has_passed || board_is_over(board) ? BOARD_REACHED : BOARD_PENDING;
}

static enum tail_end judge_end(const struct tail *tail, const struct board *board)
{
	bool is_latest = board_start_number(board) == tail->options.start_number;
	return is_latest && text_equal(board_state(board), "failed") ? TAIL_FAILED : TAIL_ENDED;
}

static void on_end(struct board *board, enum board_wait_result result, void *data)
{
	struct tail *tail = data;
	tail->wait = NULL;
	tail->end = result == BOARD_WAIT_DELETED ? TAIL_DELETED : judge_end(tail, board);
	growth_watch_destroy(TAKE(tail->watch));
	tail->options.on_ready(tail->options.data);
}

static void on_growth(void *data)
{
	struct tail *tail = data;
	tail->is_dry = false;
	tail->options.on_ready(tail->options.data);
}

static int follow(struct tail *tail, struct error *error)
{
	const struct tail_options *options = &tail->options;
	if (is_over(options->board, tail) == BOARD_REACHED) {
		tail->end = judge_end(tail, options->board);
		return 0;
	}
	tail->watch = growth_watch_create(options->growth, options->fd, tail->offset, on_growth, tail, error);
	if (tail->watch)
		tail->wait = board_wait_begin(options->board, is_over, INT64_MAX, on_end, tail, error);
	return tail->wait ? 0 : error->number;
}

struct tail *tail_create(const struct tail_options *options, struct error *error)
{
	struct tail *tail = calloc(1, sizeof(*tail));
	if (!tail) {
		close(options->fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	tail->options = *options;
	tail->offset = options->offset;
	tail->left = options->limit;
	if (!options->growth || follow(tail, error) == 0)
		return tail;
	tail_destroy(tail);
	return NULL;
}

void tail_destroy(struct tail *tail)
{
	if (!tail)
		return;
	growth_watch_destroy(tail->watch);
	board_wait_cancel(tail->wait);
	close(tail->options.fd);
	free(tail);
}

ssize_t tail_read(struct tail *tail, void *out, size_t size)
{
	if (tail->left < (int64_t) size)
		size = (size_t) tail->left;
	if (!size)
		return -ENODATA;
	/* Else a reader would chase the writer byte by byte, at the guest's expense. */
	if (tail->is_dry && tail->wait)
		return 0;
	ssize_t count = console_log_read(tail->options.fd, tail->offset, out, size);
	tail->is_dry = count >= 0 && (size_t) count < size;
	if (count == 0)
		return tail->wait ? 0 : -ENODATA;
	if (count > 0) {
		tail->offset += count;
		tail->left -= count;
	}
	return count;
}

int tail_skip_gap(struct tail *tail)
{
	struct console_log_window window = {0};
	int64_t data = lseek(tail->options.fd, tail->offset, SEEK_DATA);
	if (data >= 0) {
		tail->offset = data;
		return 0;
	}
	int result = errno == ENXIO ? console_log_window(tail->options.fd, &window) : -errno;
	if (!result)
		tail->offset = window.next_offset;
	return result;
}

int64_t tail_offset(const struct tail *tail)
{
	return tail->offset;
}

enum tail_end tail_end(const struct tail *tail)
{
	return tail->end;
}

struct board *tail_board(const struct tail *tail)
{
	return tail->wait ? tail->options.board : NULL;
}
