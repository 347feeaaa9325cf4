#include "support.h"

struct look {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*holds)(void *data);
	void *data;
	int64_t deadline_ms;
};

static void on_look(void *data)
{
	struct look *look = data;
	if (look->holds(look->data) || clock_monotonic_ms() >= look->deadline_ms)
		loop_stop(look->loop);
	else
		loop_timer_start(look->timer, 1);
}

bool run_loop(struct loop *loop, bool (*holds)(void *data), void *data, int64_t ms)
{
	struct look look = {
	    .loop = loop, .holds = holds, .data = data, .deadline_ms = clock_monotonic_ms() + ms};
	look.timer = loop_timer_create(loop, on_look, &look, NULL);
	loop_timer_start(look.timer, 0);
	loop_run(loop);
	loop_timer_destroy(look.timer);
	return holds(data);
}

void run_loop_until(struct loop *loop, bool (*holds)(void *data), void *data)
{
	assert_true(run_loop(loop, holds, data, 10000));
}

static bool never(void *data)
{
	(void) data;
	return false;
}

void run_loop_for(struct loop *loop, int64_t ms)
{
	run_loop(loop, never, NULL, ms);
}

bool is_set(void *flag)
{
	return *(bool *) flag;
}

int make_loop(void **state)
{
	*state = loop_create(NULL);
	return *state ? 0 : -1;
}

int destroy_loop(void **state)
{
	loop_destroy(*state);
	return 0;
}
