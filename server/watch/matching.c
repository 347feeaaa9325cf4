#include "server/watch/matching.h"

#include <stdlib.h>
#include <time.h>

enum { AT_ONCE = 2 };

TAILQ_HEAD(matchings, matching);

struct matcher {
	struct loop *loop;
	unsigned running, running_heavy;
	struct matchings light, heavy;
	bool is_destroyed;
};

struct matcher *matcher_create(struct loop *loop, struct error *error)
{
	struct matcher *matcher = calloc(1, sizeof(*matcher));
	if (!matcher) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	matcher->loop = loop;
	TAILQ_INIT(&matcher->light);
	TAILQ_INIT(&matcher->heavy);
	return matcher;
}

void matcher_destroy(struct matcher *matcher)
{
	if (!matcher)
		return;
	matcher->is_destroyed = true;
	if (!matcher->running)
		free(matcher);
}

static struct matchings *queue_of(const struct matching *matching)
{
	return matching->is_heavy ? &matching->matcher->heavy : &matching->matcher->light;
}

static int64_t thread_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void run(void *data)
{
	struct matching *matching = data;
	int64_t begun = thread_us();
	matching->work(matching->data);
	matching->taken_us += thread_us() - begun;
}

static void start_next(struct matcher *matcher);

static void on_run(void *data)
{
	struct matching *matching = data;
	struct matcher *matcher = matching->matcher;
	matcher->running--;
	matcher->running_heavy -= matching->is_heavy;
	if (matcher->is_destroyed && !matcher->running)
		free(matcher);
	else
		start_next(matcher);
	matching->on_done(matching->data);
}

static void start_next(struct matcher *matcher)
{
	while (matcher->running < AT_ONCE) {
		struct matching *next = TAILQ_FIRST(&matcher->light);
		if (!next && !matcher->running_heavy)
			next = TAILQ_FIRST(&matcher->heavy);
		/* Without memory for it, it waits until another is done, or comes. */
		if (!next || loop_work(matcher->loop, run, on_run, next, NULL) < 0)
			return;
		TAILQ_REMOVE(queue_of(next), next, link);
		next->is_queued = false;
		matcher->running++;
		matcher->running_heavy += next->is_heavy;
	}
}

void matching_begin(struct matching *matching, struct matcher *matcher, void (*work)(void *data),
		    void (*on_done)(void *data), void *data)
{
	matching->matcher = matcher;
	matching->work = work;
	matching->on_done = on_done;
	matching->data = data;
	matching->is_queued = true;
	matching->is_heavy = matching->taken_us >= MATCHING_MUCH_US;
	TAILQ_INSERT_TAIL(queue_of(matching), matching, link);
	start_next(matcher);
}

bool matching_cancel(struct matching *matching)
{
	if (!matching->is_queued)
		return false;
	TAILQ_REMOVE(queue_of(matching), matching, link);
	matching->is_queued = false;
	return true;
}
