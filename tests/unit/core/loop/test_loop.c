#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

/* ---- deferred calls ---- */

struct trace {
	struct loop *loop;
	char text[16];
	struct loop_deferred *other;
	bool done;
};

static void add(struct trace *trace, char letter)
{
	char more[2] = {letter};
	strcat(trace->text, more);
}

static void on_a(void *data)
{
	add(data, 'a');
}

static void on_b(void *data)
{
	add(data, 'b');
}

static void on_last(void *data)
{
	struct trace *trace = data;
	trace->done = true;
}

static void on_again(void *data)
{
	struct trace *trace = data;
	add(trace, 'x');
	loop_defer(trace->loop, on_a, trace, NULL);
}

static void on_cancel_other(void *data)
{
	struct trace *trace = data;
	add(trace, 'c');
	loop_deferred_cancel(TAKE(trace->other));
}

static void deferred_calls_come_later_and_in_order(void **state)
{
	struct trace trace = {.loop = *state};
	loop_defer(trace.loop, on_a, &trace, NULL);
	loop_defer(trace.loop, on_b, &trace, NULL);
	loop_defer(trace.loop, on_last, &trace, NULL);
	assert_string_equal(trace.text, "");
	run_loop_until(trace.loop, is_set, &trace.done);
	assert_string_equal(trace.text, "ab");
}

static void what_a_deferred_call_defers_waits_a_turn(void **state)
{
	struct trace trace = {.loop = *state};
	loop_defer(trace.loop, on_again, &trace, NULL);
	loop_defer(trace.loop, on_b, &trace, NULL);
	run_loop_for(trace.loop, 5);
	assert_string_equal(trace.text, "xba");
}

static void a_cancelled_call_does_not_come(void **state)
{
	struct trace trace = {.loop = *state};
	loop_deferred_cancel(loop_defer(trace.loop, on_a, &trace, NULL));
	loop_defer(trace.loop, on_cancel_other, &trace, NULL);
	trace.other = loop_defer(trace.loop, on_b, &trace, NULL);
	loop_deferred_cancel(NULL);
	run_loop_for(trace.loop, 5);
	assert_string_equal(trace.text, "c");
}

/* ---- timers ---- */

struct alarm {
	struct loop_timer *timer;
	int count;
	bool destroys, done;
	int64_t at_ms;
};

static void on_alarm(void *data)
{
	struct alarm *alarm = data;
	alarm->count++;
	alarm->done = true;
	alarm->at_ms = clock_monotonic_ms();
	if (alarm->destroys)
		loop_timer_destroy(TAKE(alarm->timer));
}

static void a_timer_fires_once_and_not_early(void **state)
{
	struct alarm alarm = {0};
	alarm.timer = loop_timer_create(*state, on_alarm, &alarm, NULL);
	assert_false(loop_timer_is_active(alarm.timer));
	int64_t begin_ms = clock_monotonic_ms();
	loop_timer_start(alarm.timer, 30);
	assert_true(loop_timer_is_active(alarm.timer));
	run_loop_until(*state, is_set, &alarm.done);
	assert_true(alarm.at_ms - begin_ms >= 29);
	assert_false(loop_timer_is_active(alarm.timer));
	run_loop_for(*state, 40);
	assert_int_equal(alarm.count, 1);
	loop_timer_destroy(alarm.timer);
}

static void a_timer_counts_from_its_start_not_from_the_turns(void **state)
{
	struct alarm alarm = {0};
	alarm.timer = loop_timer_create(*state, on_alarm, &alarm, NULL);
	run_loop_for(*state, 1);
	struct timespec pause = {.tv_nsec = 40000000};
	nanosleep(&pause, NULL);
	int64_t begin_ms = clock_monotonic_ms();
	loop_timer_start(alarm.timer, 20);
	run_loop_until(*state, is_set, &alarm.done);
	assert_true(alarm.at_ms - begin_ms >= 19);
	loop_timer_destroy(alarm.timer);
}

static void a_stopped_moved_or_destroyed_timer_keeps_silent(void **state)
{
	struct alarm stopped = {0}, moved = {0}, destroyed = {0}, within = {.destroys = true};
	stopped.timer = loop_timer_create(*state, on_alarm, &stopped, NULL);
	moved.timer = loop_timer_create(*state, on_alarm, &moved, NULL);
	destroyed.timer = loop_timer_create(*state, on_alarm, &destroyed, NULL);
	within.timer = loop_timer_create(*state, on_alarm, &within, NULL);
	loop_timer_start(stopped.timer, 1);
	loop_timer_start(moved.timer, 1);
	loop_timer_start(destroyed.timer, 1);
	loop_timer_start(within.timer, 1);
	loop_timer_stop(stopped.timer);
	loop_timer_start(moved.timer, 10000);
	loop_timer_destroy(destroyed.timer);
	run_loop_for(*state, 20);
	assert_int_equal(stopped.count + moved.count + destroyed.count, 0);
	assert_int_equal(within.count, 1);
	loop_timer_destroy(stopped.timer);
	loop_timer_destroy(moved.timer);
	loop_timer_destroy(NULL);
}

/* ---- watches ---- */

struct watcher {
	struct loop_watch *watch;
	int count, events;
	bool stops, destroys;
};

static void on_ready(int events, void *data)
{
	struct watcher *watcher = data;
	watcher->count++;
	watcher->events = events;
	if (watcher->stops)
		loop_watch_set(watcher->watch, 0);
	if (watcher->destroys)
		loop_watch_destroy(TAKE(watcher->watch));
}

static void a_watch_tells_what_was_asked(void **state)
{
	struct watcher watcher = {.stops = true};
	cleanup_close int fd = eventfd(0, EFD_CLOEXEC);
	watcher.watch = loop_watch_create(*state, fd, LOOP_READABLE, on_ready, &watcher, NULL);
	run_loop_for(*state, 5);
	assert_int_equal(watcher.count, 0);
	loop_watch_set(watcher.watch, LOOP_READABLE | LOOP_WRITABLE);
	run_loop_for(*state, 5);
	assert_int_equal(watcher.count, 1);
	assert_int_equal(watcher.events, LOOP_WRITABLE);
	eventfd_write(fd, 1);
	loop_watch_set(watcher.watch, LOOP_READABLE);
	run_loop_for(*state, 5);
	assert_int_equal(watcher.count, 2);
	assert_int_equal(watcher.events, LOOP_READABLE);
	loop_watch_destroy(watcher.watch);
}

static void a_watch_may_go_within_its_callback(void **state)
{
	struct watcher watcher = {.destroys = true};
	cleanup_close int fd = eventfd(1, EFD_CLOEXEC);
	watcher.watch = loop_watch_create(*state, fd, LOOP_READABLE, on_ready, &watcher, NULL);
	run_loop_for(*state, 5);
	assert_int_equal(watcher.count, 1);
	loop_watch_destroy(NULL);
}

static void an_end_on_the_other_side_is_told(void **state)
{
	struct watcher reader = {.stops = true}, writer = {.stops = true};
	int pipes[2][2];
	assert_int_equal(pipe2(pipes[0], O_CLOEXEC) + pipe2(pipes[1], O_CLOEXEC), 0);
	close(pipes[0][1]);
	reader.watch = loop_watch_create(*state, pipes[0][0], LOOP_READABLE, on_ready, &reader, NULL);
	close(pipes[1][0]);
	writer.watch = loop_watch_create(*state, pipes[1][1], LOOP_WRITABLE, on_ready, &writer, NULL);
	run_loop_for(*state, 10);
	assert_true(reader.count > 0 && reader.events & LOOP_READABLE);
	assert_true(writer.count > 0 && writer.events & LOOP_WRITABLE);
	loop_watch_destroy(reader.watch);
	loop_watch_destroy(writer.watch);
	close(pipes[0][0]);
	close(pipes[1][1]);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
	struct error error = {0};
	cleanup_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_null(loop_watch_create(*state, fd, LOOP_READABLE, on_ready, NULL, &error));
	assert_true(error.number < 0);
	assert_null(loop_watch_create(*state, 1023, LOOP_READABLE, on_ready, NULL, &error));
	assert_int_equal(error.number, -EBADF);
}

/* ---- signals ---- */

static void on_signal(int signal_number, void *data)
{
	*(int *) data += signal_number;
}

static void a_signal_is_told_in_the_loop(void **state)
{
	int sum = 0;
	struct loop_signal *signal = loop_signal_create(*state, SIGUSR1, on_signal, &sum, NULL);
	assert_non_null(signal);
	raise(SIGUSR1);
	assert_int_equal(sum, 0);
	run_loop_for(*state, 10);
	assert_int_equal(sum, SIGUSR1);
	loop_signal_destroy(signal);
	struct error error;
	assert_null(loop_signal_create(*state, SIGKILL, on_signal, &sum, &error));
	assert_int_equal(error.number, -EINVAL);
}

/* ---- work ---- */

struct work {
	pthread_t worker, teller;
	bool done;
};

static void do_work(void *data)
{
	struct work *work = data;
	work->worker = pthread_self();
}

static void on_work_done(void *data)
{
	struct work *work = data;
	work->teller = pthread_self();
	work->done = true;
}

static void work_is_done_elsewhere_and_told_here(void **state)
{
	struct work work = {0};
	assert_int_equal(loop_work(*state, do_work, on_work_done, &work, NULL), 0);
	run_loop_until(*state, is_set, &work.done);
	assert_false(pthread_equal(work.worker, pthread_self()));
	assert_true(pthread_equal(work.teller, pthread_self()));
}

static void a_loop_that_goes_waits_for_its_work(void **state)
{
	(void) state;
	struct work work = {0};
	struct loop *loop = loop_create(NULL);
	assert_int_equal(loop_work(loop, do_work, on_work_done, &work, NULL), 0);
	loop_destroy(loop);
	assert_true(work.done);
}

static void time_goes_on(void **state)
{
	int64_t before_ms = loop_now_ms(*state);
	run_loop_for(*state, 10);
	assert_true(loop_now_ms(*state) > before_ms);
	loop_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_loop, destroy_loop)
	const struct CMUnitTest tests[] = {
	    TEST(deferred_calls_come_later_and_in_order),
	    TEST(what_a_deferred_call_defers_waits_a_turn),
	    TEST(a_cancelled_call_does_not_come),
	    TEST(a_timer_fires_once_and_not_early),
	    TEST(a_timer_counts_from_its_start_not_from_the_turns),
	    TEST(a_stopped_moved_or_destroyed_timer_keeps_silent),
	    TEST(a_watch_tells_what_was_asked),
	    TEST(a_watch_may_go_within_its_callback),
	    TEST(an_end_on_the_other_side_is_told),
	    TEST(what_cannot_be_watched_is_an_error),
	    TEST(a_signal_is_told_in_the_loop),
	    TEST(work_is_done_elsewhere_and_told_here),
	    TEST(a_loop_that_goes_waits_for_its_work),
	    TEST(time_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
