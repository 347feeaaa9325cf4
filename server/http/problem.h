#pragma once

/* The problem codes: what the API says when it says no. One row each; openapi.yaml and the tests hold to
 * it. */

#include <stddef.h>

struct problem {
	const char *code; /* stable slug; the problem's type is /problems/<code> */
	unsigned status;
	const char *title;   /* the same for every occurrence */
	const char *meaning; /* one line: when it comes and what to do */
};

/* All rows, ordered by status. */
const struct problem *problem_table(size_t *count);

/* The row of a code, or that of internal_error for one the table does not have. Never NULL. */
const struct problem *problem_find(const char *code);
