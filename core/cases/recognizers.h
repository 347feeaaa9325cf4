#pragma once

/*
 * The table of formats: a file each, and a row in recognizers.c. All of them look at the same lines, since
 * nobody says what a firmware prints; so a format counts nothing before it has shown a mark that is
 * unmistakably its own.
 */

#include "core/cases/case_list.h"

struct recognizer {
	const char *name;
	size_t state_bytes; /* zeroed at first */

	/* Mandatory. A line without its end, without colours, cut where it is very long. 1: it is this
	 * format's, and no other looks at it; 0: it is not; or -ENOMEM. Called for every line: what is of no
	 * interest must be dismissed by a look at few bytes. */
	int (*look)(void *state, struct span line, struct case_list *list);
	/* Mandatory. No line will follow: what has begun and not ended is an error. 0 or -ENOMEM. */
	int (*end)(void *state, struct case_list *list);
	/* Mandatory. Releases what state owns. */
	void (*finish)(void *state);
};

/* NULL-terminated; the first that claims a line has it. */
extern const struct recognizer *const recognizers[];
