#pragma once

/* Deadlines of the head and of the body, which the library does not keep: its timeout is idle time, so a
 * client that sends a byte now and then would hold a connection for ever. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdint.h>

enum deadline_kind {
	DEADLINE_HEAD, /* a new connection's first head */
	DEADLINE_IDLE, /* from the end of an answer to the next head, idle time included */
	DEADLINE_BODY, /* the body, or another 64 KiB of it */
	DEADLINE_KINDS,
};

/* Embedded in whatever has the deadline. Zero-initialised: none. */
struct deadline {
	struct deadline *previous, *next; /* in its kind's list, the earliest first */
	int64_t expires_ms;
	unsigned kind_set; /* 0: none, else kind + 1 */
};

struct deadlines;

struct deadlines *deadlines_create(struct loop *loop, const unsigned delays_ms[static DEADLINE_KINDS],
				   void (*on_expired)(struct deadline *deadline), struct error *error);
void deadlines_destroy(struct deadlines *deadlines);

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);
