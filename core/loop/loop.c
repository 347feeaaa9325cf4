#include "core/loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

struct loop_deferred;

struct loop {
	uv_loop_t uv;
	uv_async_t never; /* keeps the loop alive without anything to watch */
	uv_idle_t turn;   /* active while something is deferred */
	TAILQ_HEAD(, loop_deferred) deferred;
};

static void on_never(uv_async_t *async)
{
	(void) async;
}

struct loop *loop_create(struct error *error)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	int result = uv_loop_init(&loop->uv);
	if (!result)
		result = uv_async_init(&loop->uv, &loop->never, on_never);
	if (!result) {
		uv_idle_init(&loop->uv, &loop->turn);
		TAILQ_INIT(&loop->deferred);
		return loop;
	}
	error_set_errno(error, result, "no_descriptors", "cannot make an event loop");
	free(loop);
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	uv_close((uv_handle_t *) &loop->never, NULL);
	uv_close((uv_handle_t *) &loop->turn, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	free(loop);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

int64_t loop_now_ms(struct loop *loop)
{
	return (int64_t) uv_now(&loop->uv);
}

/* Every object embeds its handle first, so that one function frees them all once libuv lets go. */
static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void *allocate(size_t size, struct error *error)
{
	void *memory = calloc(1, size);
	if (!memory)
		error_set(error, -ENOMEM, NULL, "no memory");
	return memory;
}

/* ---- watch ---- */

struct loop_watch {
	uv_poll_t uv;
	int events;
	bool failed;
	void (*on_ready)(int events, void *data);
	void *data;
};

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
	struct loop_watch *watch = (struct loop_watch *) poll;
	/* libuv stops the handle on an error. Whoever reads or writes learns what is wrong, but perhaps not
	 * at once: what came before the error is read first. */
	int events = status < 0 ? watch->events : 0;
	watch->failed = status < 0;
	if (watch->failed)
		loop_watch_set(watch, watch->events);
	events |= uv_events & (UV_READABLE | UV_DISCONNECT) ? LOOP_READABLE : 0;
	events |= uv_events & UV_WRITABLE ? LOOP_WRITABLE : 0;
	watch->on_ready(events, watch->data);
}

struct loop_watch *loop_watch_create(struct loop *loop, int fd, int events,
				     void (*on_ready)(int events, void *data), void *data,
				     struct error *error)
{
	struct loop_watch *watch = allocate(sizeof(*watch), error);
	if (!watch)
		return NULL;
	int result = uv_poll_init(&loop->uv, &watch->uv, fd);
	if (result < 0) {
		free(watch);
		error_set_errno(error, result, NULL, "cannot watch descriptor %d", fd);
		return NULL;
	}
	watch->on_ready = on_ready;
	watch->data = data;
	loop_watch_set(watch, events);
	return watch;
}

void loop_watch_set(struct loop_watch *watch, int events)
{
	if (events == watch->events && !watch->failed)
		return;
	watch->events = events;
	watch->failed = false;
	int uv_events =
	    (events & LOOP_READABLE ? UV_READABLE : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0);
	if (uv_events)
		uv_poll_start(&watch->uv, uv_events, on_poll);
	else
		uv_poll_stop(&watch->uv);
}

void loop_watch_destroy(struct loop_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *) &watch->uv, on_closed);
}

/* ---- timer ---- */

struct loop_timer {
	uv_timer_t uv;
	void (*on_timeout)(void *data);
	void *data;
};

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = (struct loop_timer *) uv;
	timer->on_timeout(timer->data);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*on_timeout)(void *data), void *data,
				     struct error *error)
{
	struct loop_timer *timer = allocate(sizeof(*timer), error);
	if (!timer)
		return NULL;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->on_timeout = on_timeout;
	timer->data = data;
	return timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms)
{
	/* libuv counts from the turn's time, which may be old after a long callback. */
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, on_timer, delay_ms, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
	return uv_is_active((const uv_handle_t *) &timer->uv);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *) &timer->uv, on_closed);
}

/* ---- signal ---- */

struct loop_signal {
	uv_signal_t uv;
	void (*on_signal)(int signal_number, void *data);
	void *data;
};

static void on_signal(uv_signal_t *uv, int signal_number)
{
	struct loop_signal *signal = (struct loop_signal *) uv;
	signal->on_signal(signal_number, signal->data);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signal_number,
				       void (*on_signal_told)(int signal_number, void *data), void *data,
				       struct error *error)
{
	struct loop_signal *signal = allocate(sizeof(*signal), error);
	if (!signal)
		return NULL;
	int result = uv_signal_init(&loop->uv, &signal->uv);
	if (result < 0) {
		free(signal);
		error_set_errno(error, result, NULL, "cannot watch signal %d", signal_number);
		return NULL;
	}
	signal->on_signal = on_signal_told;
	signal->data = data;
	result = uv_signal_start(&signal->uv, on_signal, signal_number);
	if (!result)
		return signal;
	loop_signal_destroy(signal);
	error_set_errno(error, result, NULL, "cannot watch signal %d", signal_number);
	return NULL;
}

void loop_signal_destroy(struct loop_signal *signal)
{
	if (signal)
		uv_close((uv_handle_t *) &signal->uv, on_closed);
}

/* ---- deferred calls: an idle handle that is active only while there are any ---- */

struct loop_deferred {
	TAILQ_ENTRY(loop_deferred) link;
	struct loop *loop;
	bool due; /* in this turn */
	void (*on_turn)(void *data);
	void *data;
};

/* What a callback defers again waits for the next turn, so that I/O is served in between. */
static void on_idle(uv_idle_t *idle)
{
	struct loop *loop = idle->data;
	struct loop_deferred *deferred;
	TAILQ_FOREACH (deferred, &loop->deferred, link)
		deferred->due = true;
	while ((deferred = TAILQ_FIRST(&loop->deferred)) && deferred->due) {
		void (*on_turn)(void *data) = deferred->on_turn;
		void *data = deferred->data;
		loop_deferred_cancel(deferred);
		on_turn(data);
	}
}

struct loop_deferred *loop_defer(struct loop *loop, void (*on_turn)(void *data), void *data,
				 struct error *error)
{
	struct loop_deferred *deferred = allocate(sizeof(*deferred), error);
	if (!deferred)
		return NULL;
	deferred->loop = loop;
	deferred->on_turn = on_turn;
	deferred->data = data;
	TAILQ_INSERT_TAIL(&loop->deferred, deferred, link);
	loop->turn.data = loop;
	uv_idle_start(&loop->turn, on_idle);
	return deferred;
}

void loop_deferred_cancel(struct loop_deferred *deferred)
{
	if (!deferred)
		return;
	struct loop *loop = deferred->loop;
	TAILQ_REMOVE(&loop->deferred, deferred, link);
	if (TAILQ_EMPTY(&loop->deferred))
		uv_idle_stop(&loop->turn);
	free(deferred);
}

/* ---- work on the pool ---- */

struct work {
	uv_work_t uv;
	void (*work)(void *data);
	void (*on_done)(void *data);
	void *data;
};

static void run_work(uv_work_t *uv)
{
	struct work *work = (struct work *) uv;
	work->work(work->data);
}

static void on_work_done(uv_work_t *uv, int status)
{
	(void) status; /* never cancelled */
	struct work *work = (struct work *) uv;
	void (*on_done)(void *data) = work->on_done;
	void *data = work->data;
	free(work);
	on_done(data);
}

int loop_work(struct loop *loop, void (*work_function)(void *data), void (*on_done)(void *data), void *data,
	      struct error *error)
{
	struct work *work = allocate(sizeof(*work), error);
	if (!work)
		return -ENOMEM;
	work->work = work_function;
	work->on_done = on_done;
	work->data = data;
	int result = uv_queue_work(&loop->uv, &work->uv, run_work, on_work_done);
	if (!result)
		return 0;
	free(work);
	return error_set_errno(error, result, NULL, "cannot queue work");
}
