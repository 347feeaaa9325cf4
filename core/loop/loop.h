#pragma once

/*
 * The event loop's thin face: the only folder that includes uv.h.
 *
 * One thread. Callbacks never block. A destroy function may be called at any time, also from within the
 * object's own callback: no callback comes after it. What the loop still needs it frees itself. Every
 * destroy function takes NULL. Callbacks are told their data pointer last.
 */

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct loop *loop_create(struct error *error); /* NULL on failure */
void loop_destroy(struct loop *loop);          /* everything created on it must have been destroyed */
void loop_run(struct loop *loop);              /* until loop_stop */
void loop_stop(struct loop *loop);
int64_t loop_now_ms(struct loop *loop); /* monotonic, as of this turn of the loop */

/* A descriptor that becomes ready. The descriptor stays the caller's and must outlive the watch. */
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
struct loop_watch;
struct loop_watch *loop_watch_create(struct loop *loop, int fd, int events,
				     void (*on_ready)(int events, void *data), void *data,
				     struct error *error);
void loop_watch_set(struct loop_watch *watch, int events); /* 0: none for now */
void loop_watch_destroy(struct loop_watch *watch);

/* A single-shot deadline; start again to move it. */
struct loop_timer;
struct loop_timer *loop_timer_create(struct loop *loop, void (*on_timeout)(void *data), void *data,
				     struct error *error);
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_active(const struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

/* A signal delivered to the process. */
struct loop_signal;
struct loop_signal *loop_signal_create(struct loop *loop, int signal_number,
				       void (*on_signal)(int signal_number, void *data), void *data,
				       struct error *error);
void loop_signal_destroy(struct loop_signal *signal);

/* Runs once, in this or the next turn of the loop, never from within the caller. */
struct loop_deferred;
struct loop_deferred *loop_defer(struct loop *loop, void (*on_turn)(void *data), void *data,
				 struct error *error);
void loop_deferred_cancel(struct loop_deferred *deferred); /* only before it ran */

/* Blocking work on a pool thread; on_done comes back on the loop's thread, exactly once. */
int loop_work(struct loop *loop, void (*work)(void *data), void (*on_done)(void *data), void *data,
	      struct error *error);
