#pragma once

/*
 * Who matches next: two at a time on the loop's pool, so that others find a thread there; those that have
 * taken little time so far before those that have taken much, of which there is but one at a time.
 */

#include "core/loop/loop.h"

#include <stdbool.h>
#include <sys/queue.h>

struct matcher;

enum { MATCHING_MUCH_US = 20 * 1000 };

struct matcher *matcher_create(struct loop *loop, struct error *error);
void matcher_destroy(struct matcher *matcher); /* takes NULL; what is under way on the pool ends by itself */

/* One who matches now and then. Zero-initialised it has taken nothing yet. */
struct matching {
	TAILQ_ENTRY(matching) link;
	struct matcher *matcher;
	void (*work)(void *data);
	void (*on_done)(void *data);
	void *data;
	int64_t taken_us; /* processor time */
	bool is_queued, is_heavy;
};

/* `work` runs on the pool, then on_done in the loop's thread; exactly once, never from within. */
void matching_begin(struct matching *matching, struct matcher *matcher, void (*work)(void *data),
		    void (*on_done)(void *data), void *data);
/* True: it had not begun, and neither work nor on_done will come. */
bool matching_cancel(struct matching *matching);
