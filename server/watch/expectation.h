#pragma once

/* One reader of a console's output that waits for a pattern. The matching is done on the loop's pool
 * (matching.h). */

#include "core/patterns/pattern_watch.h"
#include "server/watch/matching.h"
#include "server/watch/tail.h"

struct expectation;

enum expectation_end {
	EXPECTATION_MATCHED,
	EXPECTATION_TIMEOUT,
	EXPECTATION_ENDED, /* the start of the instance has, without a match */
	EXPECTATION_DELETED,
	EXPECTATION_FAILED, /* error tells; code "gone": what was not looked at yet is no longer kept */
};

struct expectation_outcome {
	enum expectation_end end;
	const struct pattern_match *match; /* MATCHED; borrowed until the expectation is destroyed */
	const struct error *error;         /* FAILED */
};

struct expectation_options {
	struct tail_options tail; /* fd taken, even on failure; on_ready and data are not used */
	struct pattern_set *set;  /* may be empty: nothing matches */
	struct matcher *matcher;
	uint64_t timeout_ms;
	/* What lies before this offset is looked at however late it gets: it was there when the call came. */
	int64_t there_offset;
	/* Optional. Whoever reads along: on_chunk gets every byte that was looked at and decided nothing,
	 * once and in their order, on the pool. What comes with the deciding one is left to them.
	 * on_released: it will not be called again; once, perhaps from within expectation_destroy. */
	void (*on_chunk)(const char *bytes, size_t length, void *data);
	void (*on_released)(void *data);
	void *along_data;
};

/* on_outcome fires once, never from within. NULL with error set. */
struct expectation *expectation_create(struct loop *loop, const struct expectation_options *options,
				       void (*on_outcome)(const struct expectation_outcome *outcome,
							  void *data),
				       void *data, struct error *error);
/* Its time is up now: what is there is looked at still, then on_outcome fires as ever. */
void expectation_expire(struct expectation *expectation);
/* At any time. */
void expectation_destroy(struct expectation *expectation);

/* The last bytes (at most size) of what was looked at; their count, and where they begin. */
size_t expectation_read_seen(const struct expectation *expectation, void *out, size_t size,
			     int64_t *ret_offset);
