#include "core/channels/console_input.h"

#include "core/base/cleanup.h"

#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

struct writer {
	TAILQ_ENTRY(writer) entry;
	void (*on_done)(size_t written, int number, void *data);
	void *data;
	int64_t deadline_ms; /* INT64_MAX: none */
	int number;          /* once it has finished */
	size_t length, written;
	char bytes[];
};

TAILQ_HEAD(writers, writer);

struct console_input {
	struct loop *loop;
	int fd;
	struct loop_watch *writable;
	struct loop_timer *deadline;
	struct loop_timer *completion; /* on_done is told from here, in a turn of its own */
	struct writers waiting, finished;
	bool closing;
	bool *gone; /* while completions are told: set when one of them destroys the input */
};

static void finish(struct console_input *input, struct writer *writer, int number)
{
	writer->number = number;
	TAILQ_REMOVE(&input->waiting, writer, entry);
	TAILQ_INSERT_TAIL(&input->finished, writer, entry);
	loop_timer_start(input->completion, 0);
}

/* Tells those that have finished so far. Any of them may destroy the input, which then tells the rest. */
static void complete(void *data)
{
	struct console_input *input = data;
	bool gone = false;
	input->gone = &gone;
	const struct writer *last = TAILQ_LAST(&input->finished, writers);
	for (bool more = last; more && !gone;) {
		struct writer *writer = TAILQ_FIRST(&input->finished);
		more = writer != last;
		TAILQ_REMOVE(&input->finished, writer, entry);
		writer->on_done(writer->written, writer->number, writer->data);
		free(writer);
	}
	if (!gone)
		input->gone = NULL;
}

static void start_deadline(struct console_input *input)
{
	int64_t first = INT64_MAX;
	struct writer *writer;
	TAILQ_FOREACH (writer, &input->waiting, entry)
		first = writer->deadline_ms < first ? writer->deadline_ms : first;
	if (first == INT64_MAX) {
		loop_timer_stop(input->deadline);
		return;
	}
	int64_t now = loop_now_ms(input->loop);
	loop_timer_start(input->deadline, first > now ? (uint64_t) (first - now) : 0);
}

/* Gives the FIFO what it takes. */
static void pump(struct console_input *input)
{
	struct writer *writer;
	while ((writer = TAILQ_FIRST(&input->waiting))) {
		ssize_t count =
		    write(input->fd, writer->bytes + writer->written, writer->length - writer->written);
		if (count < 0 && errno == EAGAIN)
			break;
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			finish(input, writer, -errno);
			continue;
		}
		writer->written += (size_t) count;
		if (writer->written == writer->length)
			finish(input, writer, 0);
	}
	loop_watch_set(input->writable, writer ? LOOP_WRITABLE : 0);
	start_deadline(input);
}

static void on_writable(int events, void *data)
{
	(void) events;
	pump(data);
}

static void on_deadline(void *data)
{
	struct console_input *input = data;
	int64_t now = loop_now_ms(input->loop);
	for (struct writer *writer = TAILQ_FIRST(&input->waiting), *next; writer; writer = next) {
		next = TAILQ_NEXT(writer, entry);
		if (writer->deadline_ms <= now)
			finish(input, writer, -ETIMEDOUT);
	}
	pump(input);
}

struct console_input *console_input_create(struct loop *loop, int fifo_fd, struct error *error)
{
	struct console_input *input = calloc(1, sizeof(*input));
	if (!input) {
		close(fifo_fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	input->loop = loop;
	input->fd = fifo_fd;
	TAILQ_INIT(&input->waiting);
	TAILQ_INIT(&input->finished);
	input->writable = loop_watch_create(loop, fifo_fd, 0, on_writable, input, error);
	input->deadline = loop_timer_create(loop, on_deadline, input, error);
	input->completion = loop_timer_create(loop, complete, input, error);
	if (input->writable && input->deadline && input->completion)
		return input;
	console_input_destroy(input);
	return NULL;
}

static void cancel_waiting(struct console_input *input)
{
	struct writer *writer;
	while ((writer = TAILQ_FIRST(&input->waiting)))
		finish(input, writer, -ECANCELED);
}

void console_input_destroy(struct console_input *input)
{
	if (!input)
		return;
	input->closing = true;
	if (input->gone)
		*input->gone = true;
	if (input->completion) {
		cancel_waiting(input);
		complete(input);
	}
	loop_watch_destroy(input->writable);
	loop_timer_destroy(input->deadline);
	loop_timer_destroy(input->completion);
	close(input->fd);
	free(input);
}

int console_input_write(struct console_input *input, const void *bytes, size_t length, uint64_t timeout_ms,
			void (*on_done)(size_t written, int number, void *data), void *data,
			struct error *error)
{
	if (input->closing)
		return error_set(error, -ECANCELED, NULL, "the console is being closed");
	struct writer *writer = malloc(sizeof(*writer) + length);
	if (!writer)
		return error_set(error, -ENOMEM, NULL, "no memory for %zu bytes of input", length);
	int64_t now = loop_now_ms(input->loop);
	bool forever = timeout_ms >= (uint64_t) (INT64_MAX - now);
	*writer = (struct writer){
	    .on_done = on_done,
	    .data = data,
	    .deadline_ms = forever ? INT64_MAX : now + (int64_t) timeout_ms,
	    .length = length,
	};
	if (length)
		memcpy(writer->bytes, bytes, length);
	bool first = TAILQ_EMPTY(&input->waiting);
	TAILQ_INSERT_TAIL(&input->waiting, writer, entry);
	if (first)
		pump(input);
	else
		start_deadline(input);
	return 0;
}

void console_input_drain(struct console_input *input)
{
	char bytes[4096];
	while (read(input->fd, bytes, sizeof(bytes)) > 0)
		;
	cancel_waiting(input);
	pump(input);
}
