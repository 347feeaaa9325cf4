#pragma once

/* One pattern in bytes that lie in memory, with a limit to the work. */

#include "core/patterns/pattern_set_internal.h"

#include <time.h>

struct pattern_search {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;           /* NULL: nothing is compiled to machine code here */
	struct timespec begun, begun_cpu; /* on the clock, and of the thread's processor time */
	int work_ms;                      /* for what is counted */
};

/* 0 or -ENOMEM; finish takes a half-made one. */
int pattern_search_init(struct pattern_search *search);
void pattern_search_finish(struct pattern_search *search);

/* The work from here on is counted, in the thread that does it. */
void pattern_search_begin(struct pattern_search *search);

struct pattern_text_range {
	const char *bytes;
	size_t length;
	size_t from; /* no match begins before */
	/* More bytes will follow: a match that they could undo is none yet. */
	bool goes_on;
};

struct pattern_place {
	size_t begun; /* where it was tried; \K may make its start lie behind that */
	size_t start, end;
};

/*
 * The first place that matches. 1; 0: there is none, and *ret_undecided (nullable) is where the first one may
 * begin once there are more bytes; or a negative errno, as pattern_watch_feed. The groups are in search->data
 * then.
 */
int pattern_search_find(struct pattern_search *search, const struct pattern *pattern,
			const struct pattern_text_range *range, struct pattern_place *ret_place,
			size_t *ret_undecided, struct error *error);
/* The same at range->from alone. */
int pattern_search_at(struct pattern_search *search, const struct pattern *pattern,
		      const struct pattern_text_range *range, struct pattern_place *ret_place,
		      struct error *error);
