#pragma once

/* What the end of a board says about the firmware that ran on it. */

#include <jansson.h>
#include <stdbool.h>

/* By API.md's names, static; detail is owned, NULL: nothing more to tell. */
struct verdict {
	const char *verdict, *reason;
	char *detail;
};

/* exit: as an instance tells it. wants_pass: a pattern was asked for, and was not found. Whoever called frees
 * ret_verdict->detail. */
void verdict_of_exit(const json_t *exit, bool wants_pass, struct verdict *ret_verdict);
