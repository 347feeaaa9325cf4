#include "server/watch/expectation.h"

#include "core/base/cleanup.h"
#include "core/channels/console_log.h"

/* What takes more than the first work is put behind others, then gets all the time there is. */
enum { CHUNK_BYTES = 48 * 1024, FIRST_WORK_MS = MATCHING_MUCH_US / 1000 };

struct expectation {
	struct loop *loop;
	struct matcher *matcher;
	struct tail *tail; /* NULL: destroyed, but for the work under way */
	int fd;            /* the tail's */
	int64_t begun, there_offset;
	struct loop_timer *timer;
	struct loop_deferred *turn;
	bool is_late;
	bool is_over; /* on_outcome has been called */
	struct pattern_watch *watch;
	void (*on_chunk)(const char *bytes, size_t length, void *data);
	void (*on_released)(void *data);
	void *along_data;
	void (*on_outcome)(const struct expectation_outcome *outcome, void *data);
	void *data;

	/* What the pool works on. */
	struct matching work;
	bool is_working;
	bool is_patient; /* it may take all the time there is */
	bool is_last;    /* no byte will follow, and if nothing matches this is the end: */
	enum expectation_end end;
	char *chunk;
	size_t length;
	bool is_fresh; /* whoever reads along has not seen the chunk yet */
	int result;
	struct pattern_match match;
	struct error error;
};

static void let_go(struct expectation *expectation)
{
	if (expectation->on_released)
		expectation->on_released(expectation->along_data);
	pattern_watch_destroy(expectation->watch);
	free(expectation->chunk);
	free(expectation);
}

/* ---- the outcome ---- */

static void finish(struct expectation *expectation, enum expectation_end end)
{
	const struct expectation_outcome outcome = {
	    .end = end,
	    .match = end == EXPECTATION_MATCHED ? &expectation->match : NULL,
	    .error = end == EXPECTATION_FAILED ? &expectation->error : NULL,
	};
	if (expectation->is_over)
		return;
	expectation->is_over = true;
	expectation->on_outcome(&outcome, expectation->data);
}

static void fail(struct expectation *expectation, int number)
{
	if (number == -ESTALE)
		error_set(
		    &expectation->error, number, "gone",
		    "output from offset %lld on was dropped before it could be looked at: it comes too fast",
		    (long long) tail_offset(expectation->tail));
	else
		error_set_errno(&expectation->error, number, NULL, "the output cannot be read");
	finish(expectation, EXPECTATION_FAILED);
}

/* ---- matching, on the pool ---- */

static void work(void *data)
{
	struct expectation *expectation = data;
	if (expectation->is_last)
		expectation->result =
		    pattern_watch_end(expectation->watch, &expectation->match, &expectation->error);
	else
		expectation->result =
		    pattern_watch_feed(expectation->watch, expectation->chunk, expectation->length,
				       &expectation->match, &expectation->error);
	if (expectation->result != 0 || !expectation->is_fresh)
		return;
	expectation->is_fresh = false;
	if (expectation->on_chunk)
		expectation->on_chunk(expectation->chunk, expectation->length, expectation->along_data);
}

static void advance(struct expectation *expectation);

static void on_worked(void *data);

static void begin_work(struct expectation *expectation)
{
	expectation->is_working = true;
	matching_begin(&expectation->work, expectation->matcher, work, on_worked, expectation);
}

static void on_worked(void *data)
{
	struct expectation *expectation = data;
	expectation->is_working = false;
	if (!expectation->tail)
		let_go(expectation);
	else if (expectation->result == -ETIME && !expectation->is_patient) {
		expectation->is_patient = true;
		pattern_watch_set_work(expectation->watch, PATTERN_WORK_MS);
		begin_work(expectation);
	} else if (expectation->result < 0)
		finish(expectation, EXPECTATION_FAILED);
	else if (expectation->result > 0)
		finish(expectation, EXPECTATION_MATCHED);
	else if (expectation->is_last)
		finish(expectation, expectation->end);
	else
		advance(expectation);
}

static void decide(struct expectation *expectation, enum expectation_end end)
{
	expectation->is_last = true;
	expectation->end = end;
	begin_work(expectation);
}

/* ---- reading ---- */

static void advance(struct expectation *expectation)
{
	if (expectation->is_working || expectation->is_over)
		return;
	if (expectation->is_late && tail_offset(expectation->tail) >= expectation->there_offset) {
		decide(expectation, EXPECTATION_TIMEOUT);
		return;
	}
	ssize_t count = tail_read(expectation->tail, expectation->chunk, CHUNK_BYTES);
	if (count > 0) {
		expectation->length = (size_t) count;
		expectation->is_fresh = true;
		begin_work(expectation);
	} else if (count == -ENODATA) {
		bool is_deleted = tail_end(expectation->tail) == TAIL_DELETED;
		decide(expectation, is_deleted ? EXPECTATION_DELETED : EXPECTATION_ENDED);
	} else if (count < 0) {
		fail(expectation, (int) count);
	}
}

static void on_ready(void *data)
{
	advance(data);
}

static void on_timeout(void *data)
{
	struct expectation *expectation = data;
	struct console_log_window window;
	if (expectation->is_late)
		return;
	expectation->is_late = true;
	/* What has come in time counts, however late it is looked at. */
	if (console_log_window(expectation->fd, &window) == 0 &&
	    window.next_offset > expectation->there_offset)
		expectation->there_offset = window.next_offset;
	advance(expectation);
}

void expectation_expire(struct expectation *expectation)
{
	on_timeout(expectation);
}

static void on_turn(void *data)
{
	struct expectation *expectation = data;
	expectation->turn = NULL;
	advance(expectation);
}

size_t expectation_read_seen(const struct expectation *expectation, void *out, size_t size,
			     int64_t *ret_offset)
{
	int64_t end = tail_offset(expectation->tail);
	int64_t start = end - (int64_t) size > expectation->begun ? end - (int64_t) size : expectation->begun;
	ssize_t count = console_log_read(expectation->fd, start, out, (size_t) (end - start));
	*ret_offset = count > 0 ? start : end;
	return count > 0 ? (size_t) count : 0;
}

/* ---- coming and going ---- */

/* What stands before the first byte is looked back at. */
static struct pattern_watch *make_watch(const struct expectation_options *options, struct error *error)
{
	int64_t offset = options->tail.offset;
	int64_t wanted = (int64_t) pattern_set_lookbehind(options->set);
	int64_t length = wanted < offset ? wanted : offset;
	cleanup_free char *before = malloc((size_t) length + 1);
	if (!before) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	ssize_t count = console_log_read(options->tail.fd, offset - length, before, (size_t) length);
	const struct pattern_beginning beginning = {
	    .offset = offset, .before = before, .before_length = count == length ? (size_t) length : 0};
	return pattern_watch_create(options->set, &beginning, error);
}

static int init(struct expectation *expectation, const struct expectation_options *options,
		struct error *error)
{
	expectation->timer = loop_timer_create(expectation->loop, on_timeout, expectation, error);
	expectation->turn =
	    expectation->timer ? loop_defer(expectation->loop, on_turn, expectation, error) : NULL;
	if (!expectation->turn)
		return error->number;
	loop_timer_start(expectation->timer, options->timeout_ms);
	return 0;
}

struct expectation *expectation_create(struct loop *loop, const struct expectation_options *options,
				       void (*on_outcome)(const struct expectation_outcome *outcome,
							  void *data),
				       void *data, struct error *error)
{
	struct expectation *expectation = calloc(1, sizeof(*expectation));
	struct tail_options tail = options->tail;
	tail.on_ready = on_ready;
	tail.data = expectation;
	if (expectation) {
		*expectation = (struct expectation){.loop = loop,
						    .matcher = options->matcher,
						    .fd = tail.fd,
						    .begun = tail.offset,
						    .there_offset = options->there_offset,
						    .on_chunk = options->on_chunk,
						    .along_data = options->along_data,
						    .on_outcome = on_outcome,
						    .data = data};
		expectation->chunk = malloc(CHUNK_BYTES);
		expectation->watch = make_watch(options, error);
	}
	if (!expectation || !expectation->chunk || !expectation->watch) {
		close(tail.fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		if (expectation)
			let_go(expectation);
		return NULL;
	}
	pattern_watch_set_work(expectation->watch, FIRST_WORK_MS);
	expectation->tail = tail_create(&tail, error);
	if (expectation->tail && init(expectation, options, error) == 0) {
		expectation->on_released = options->on_released;
		return expectation;
	}
	expectation_destroy(expectation);
	return NULL;
}

void expectation_destroy(struct expectation *expectation)
{
	if (!expectation)
		return;
	tail_destroy(TAKE(expectation->tail));
	loop_timer_destroy(TAKE(expectation->timer));
	if (expectation->turn)
		loop_deferred_cancel(TAKE(expectation->turn));
	expectation->is_over = true;
	if (!expectation->is_working || matching_cancel(&expectation->work))
		let_go(expectation);
}
