#include "server/http/deadlines.h"

#include <stdlib.h>

/* All deadlines of one kind are equally long, so a list in order of setting is in order of expiry. */
struct deadlines {
	struct loop *loop;
	struct loop_timer *timer;
	int64_t armed_ms; /* when the timer fires, if it is active */
	unsigned delays_ms[DEADLINE_KINDS];
	struct {
		struct deadline *first, *last;
	} lists[DEADLINE_KINDS];
	void (*on_expired)(struct deadline *deadline);
};

/* The timer is not moved when a deadline is cleared, only looked at again when it fires: setting and
 * clearing, which every request does, cost a few pointers. */
static void arm(struct deadlines *deadlines)
{
	int64_t earliest = INT64_MAX;
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
		const struct deadline *first = deadlines->lists[kind].first;
		if (first && first->expires_ms < earliest)
			earliest = first->expires_ms;
	}
	if (earliest == INT64_MAX)
		return;
	deadlines->armed_ms = earliest;
	int64_t wait = earliest - loop_now_ms(deadlines->loop);
	loop_timer_start(deadlines->timer, wait > 0 ? (uint64_t) wait : 0);
}

static void on_timeout(void *data)
{
	struct deadlines *deadlines = data;
	int64_t now = loop_now_ms(deadlines->loop);
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
		for (struct deadline *first; (first = deadlines->lists[kind].first);) {
			if (first->expires_ms > now)
				break;
			deadline_clear(deadlines, first);
			deadlines->on_expired(first);
		}
	}
	arm(deadlines);
}

struct deadlines *deadlines_create(struct loop *loop, const unsigned delays_ms[static DEADLINE_KINDS],
				   void (*on_expired)(struct deadline *deadline), struct error *error)
{
	struct deadlines *deadlines = calloc(1, sizeof(*deadlines));
	if (!deadlines) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	deadlines->loop = loop;
	deadlines->on_expired = on_expired;
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
		deadlines->delays_ms[kind] = delays_ms[kind];
	deadlines->timer = loop_timer_create(loop, on_timeout, deadlines, error);
	if (deadlines->timer)
		return deadlines;
	free(deadlines);
	return NULL;
}

void deadlines_destroy(struct deadlines *deadlines)
{
	if (!deadlines)
		return;
	loop_timer_destroy(deadlines->timer);
	free(deadlines);
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
	if (!deadline->kind_set)
		return;
	unsigned kind = deadline->kind_set - 1;
	*(deadline->previous ? &deadline->previous->next : &deadlines->lists[kind].first) = deadline->next;
	*(deadline->next ? &deadline->next->previous : &deadlines->lists[kind].last) = deadline->previous;
	deadline->kind_set = 0;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind)
{
	deadline_clear(deadlines, deadline);
	deadline->kind_set = kind + 1;
	deadline->expires_ms = loop_now_ms(deadlines->loop) + deadlines->delays_ms[kind];
	deadline->previous = deadlines->lists[kind].last;
	deadline->next = NULL;
	*(deadline->previous ? &deadline->previous->next : &deadlines->lists[kind].first) = deadline;
	deadlines->lists[kind].last = deadline;
	if (!loop_timer_is_active(deadlines->timer) || deadline->expires_ms < deadlines->armed_ms)
		arm(deadlines);
}
