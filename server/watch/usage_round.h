#pragma once

/* What the processes of many boards use, read from /proc in one go on the pool. */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "server/shims/board.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage_reading {
	char id[64]; /* of the board */
	int64_t start_number;
	int64_t read_at_ms; /* monotonic; 0: none of its processes is there any more */
	double cpu_seconds;
	uint64_t rss_bytes;
	size_t first_pid, pid_count; /* in pids */
};

struct usage_round {
	struct usage_reading *readings;
	size_t count, capacity;
	pid_t *pids;
	size_t pid_count, pid_capacity;
	void (*on_done)(struct usage_round *round,
			void *data); /* NULL: nobody asks any more, it frees itself */
	void *data;
};

struct usage_round *usage_round_create(void);        /* NULL: no memory */
void usage_round_destroy(struct usage_round *round); /* not while it is under way */

/* 0 or -ENOMEM. */
int usage_round_add(struct usage_round *round, const struct board *board);
/* on_done fires once, and then the round is the caller's again. Until then it may set round->on_done to NULL.
 */
int usage_round_begin(struct usage_round *round, struct loop *loop,
		      void (*on_done)(struct usage_round *round, void *data), void *data,
		      struct error *error);
