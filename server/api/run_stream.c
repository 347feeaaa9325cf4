#include "server/api/run_stream.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/api/run_summary.h"
#include "server/runs/runs.h"
#include "server/watch/tail.h"

#include <fcntl.h>
#include <string.h>

struct run_stream {
	struct app *app;
	struct run_stream_options options;
	struct reply_stream *stream;
	struct run_watcher *watcher; /* NULL: the run changes no more */
	struct run_output output;    /* what is read when it has ended */
	bool is_open;                /* output is known */
	struct tail *tail;           /* until then */
	int64_t offset;              /* of the next byte */
	bool ends_line;              /* the last byte sent did */
	char *note;                  /* sent in between; NULL: nothing */
	size_t note_sent;
	bool is_summed_up, is_bad;
};

/* ---- text of ours in between ---- */

static ssize_t read_note(struct run_stream *stream, void *out, size_t size)
{
	size_t left = strlen(stream->note) - stream->note_sent;
	size_t count = left < size ? left : size;
	memcpy(out, stream->note + stream->note_sent, count);
	stream->note_sent += count;
	if (count == left)
		free(TAKE(stream->note));
	return (ssize_t) count;
}

static void put_note(struct run_stream *stream, char *note)
{
	stream->note = note;
	stream->note_sent = 0;
	stream->ends_line = true;
}

static ssize_t sum_up(struct run_stream *stream, void *out, size_t size)
{
	struct error error;
	if (stream->is_summed_up)
		return stream->is_bad && stream->options.is_strict ? -ECONNABORTED : -ENODATA;
	cleanup_json json_t *run = runs_describe(stream->app->runs, stream->options.id, &error);
	stream->is_summed_up = true;
	stream->is_bad = !run_is_passed(run);
	put_note(stream, run_summarize(run, !stream->ends_line));
	return stream->note ? read_note(stream, out, size) : -ENOMEM;
}

/* ---- output ---- */

/* Tells what is skipped, since a body cannot. */
static ssize_t skip_gap(struct run_stream *stream, int fd, void *out, size_t size)
{
	struct console_log_window window;
	int result = console_log_window(fd, &window);
	if (result < 0 || window.first_offset <= stream->offset)
		return result < 0 ? result : -EIO;
	if (!stream->options.has_summary)
		return -EIO;
	put_note(stream,
		 text_format("%semud: %lld bytes from offset %lld on are no longer kept\n",
			     stream->ends_line ? "" : "\n",
			     (long long) (window.first_offset - stream->offset), (long long) stream->offset));
	stream->offset = window.first_offset;
	if (stream->tail && (result = tail_skip_gap(stream->tail)) < 0)
		return result;
	return stream->note ? read_note(stream, out, size) : -ENOMEM;
}

static ssize_t took(struct run_stream *stream, const char *bytes, ssize_t count)
{
	stream->offset += count;
	stream->options.limit -= count;
	stream->ends_line = bytes[count - 1] == '\n';
	return count;
}

static ssize_t at_end(struct run_stream *stream, void *out, size_t size)
{
	return stream->options.has_summary ? sum_up(stream, out, size) : -ENODATA;
}

/* It has ended, or is not followed: from the file. */
static ssize_t read_kept(struct run_stream *stream, void *out, size_t size)
{
	const struct run_output *output = &stream->output;
	int64_t left = output->end_offset - stream->offset;
	if (left > stream->options.limit)
		left = stream->options.limit;
	if (output->fd < 0 || left <= 0)
		return at_end(stream, out, size);
	ssize_t count =
	    console_log_read(output->fd, stream->offset, out, left < (int64_t) size ? (size_t) left : size);
	if (count == -ESTALE)
		return skip_gap(stream, output->fd, out, size);
	return count > 0 ? took(stream, out, count) : count < 0 ? count : at_end(stream, out, size);
}

static ssize_t read_live(struct run_stream *stream, void *out, size_t size)
{
	if (!stream->tail)
		return 0;
	if (stream->options.limit <= 0)
		return -ENODATA;
	if (stream->options.limit < (int64_t) size)
		size = (size_t) stream->options.limit;
	ssize_t count = tail_read(stream->tail, out, size);
	if (count == -ESTALE)
		return skip_gap(stream, stream->output.fd, out, size);
	/* The board has ended: the verdict is about to be told. */
	if (count == -ENODATA)
		return 0;
	return count > 0 ? took(stream, out, count) : count;
}

static ssize_t on_read(void *out, size_t size, void *data)
{
	struct run_stream *stream = data;
	if (stream->note)
		return read_note(stream, out, size);
	return stream->is_open ? read_kept(stream, out, size) : read_live(stream, out, size);
}

/* ---- what becomes of the run ---- */

static void on_ready(void *data)
{
	struct run_stream *stream = data;
	reply_stream_wake(stream->stream);
}

static void forget_output(struct run_stream *stream)
{
	if (stream->output.fd >= 0)
		close(TAKE_FD(stream->output.fd));
}

static void open_kept(struct run_stream *stream)
{
	tail_destroy(TAKE(stream->tail));
	forget_output(stream);
	runs_open_output(stream->app->runs, stream->options.id, &stream->output, NULL);
	stream->is_open = true;
	/* Not followed: what is there now is all. */
	struct console_log_window window = {0};
	if (stream->output.fd >= 0 && stream->output.end_offset < 0 &&
	    console_log_window(stream->output.fd, &window) == 0)
		stream->output.end_offset = window.next_offset;
}

static void open_live(struct run_stream *stream)
{
	struct error error;
	forget_output(stream);
	runs_open_output(stream->app->runs, stream->options.id, &stream->output, NULL);
	int fd = stream->output.fd < 0 ? -1 : fcntl(stream->output.fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || !stream->output.board)
		return;
	const struct tail_options tail = {
	    .fd = fd,
	    .offset = stream->offset,
	    .limit = INT64_MAX,
	    .growth = stream->app->growth,
	    .board = stream->output.board,
	    .start_number = stream->output.start_number,
	    .on_ready = on_ready,
	    .data = stream,
	};
	stream->tail = tail_create(&tail, &error);
}

static void look(struct run_stream *stream, const struct run *run)
{
	if (run_has_ended(run))
		open_kept(stream);
	else if (run_has_output(run) && !stream->tail)
		open_live(stream);
}

static void on_change(struct run *run, void *data)
{
	struct run_stream *stream = data;
	if (run_has_ended(run))
		stream->watcher = NULL;
	look(stream, run);
	reply_stream_wake(stream->stream);
}

/* ---- coming and going ---- */

static void destroy(struct run_stream *stream)
{
	run_unwatch(stream->watcher);
	tail_destroy(stream->tail);
	forget_output(stream);
	free(stream->note);
	free(stream);
}

static void on_closed(void *data)
{
	struct run_stream *stream = data;
	struct run *run = stream->watcher ? runs_find(stream->app->runs, stream->options.id) : NULL;
	if (run && stream->options.is_owner)
		run_cancel(run, "client_gone", "the client that waited for the run went away", NULL);
	destroy(stream);
}

static const struct reply_stream_source source = {.read = on_read, .on_closed = on_closed};

void reply_run_stream(struct request *request, struct app *app, unsigned status, const char *content_type,
		      const struct run_stream_options *options)
{
	struct error error;
	struct run *run = runs_find(app->runs, options->id);
	struct run_stream *stream = calloc(1, sizeof(*stream));
	if (!stream) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	/* From here on on_closed tells when the client has gone. */
	request_on_gone(request, NULL, NULL);
	*stream = (struct run_stream){.app = app,
				      .options = *options,
				      .output = {.fd = -1},
				      .offset = options->offset,
				      .ends_line = true};
	bool is_live = run && options->is_followed && !run_has_ended(run);
	if (is_live && !(stream->watcher = run_watch(run, on_change, stream, &error))) {
		destroy(stream);
		reply_error(request, &error);
		return;
	}
	if (is_live)
		look(stream, run);
	else
		open_kept(stream);
	struct reply_stream *reply = reply_stream(request, status, content_type, &source, stream);
	if (reply)
		stream->stream = reply;
}
