#pragma once

/* The cases found so far, within the bounds of cases.h. */

#include "core/cases/case_text.h"
#include "core/cases/cases.h"

enum case_result { CASE_PASSED, CASE_FAILED, CASE_SKIPPED, CASE_ERROR };

/* What all messages may hold together; beyond it they are left out, and said to be. */
enum { CASES_TEXT_BYTES = 8 * 1024 * 1024 };

/* One that is known, in the text of others. */
struct case_found {
	struct span suite, name;
	enum case_result result;
	double seconds;               /* negative: not told */
	const struct case_text *text; /* or NULL */
	/* NULL, or points to what says whether it counts, then and later: as long as the list lives. */
	const bool *counts;
};

struct case_kept {
	char *suite, *name, *message; /* owned; message may be NULL */
	enum case_result result;
	double seconds;
	const bool *counts;
};

struct case_list {
	struct case_kept *cases;
	size_t count, capacity;
	size_t text_bytes;
	size_t left_out,
	    left_out_bad; /* cases beyond CASES_MOST; those of them that did not pass and were not skipped */
};

void case_list_finish(struct case_list *list);

/* 0 or -ENOMEM. */
int case_list_add(struct case_list *list, const struct case_found *found);
/* Puts "suite" (or "suite > " before what is there already) to those from `first` on that hang on counts;
 * 0 or -ENOMEM. */
int case_list_put_below(struct case_list *list, size_t first, const bool *counts, struct span suite);
/* Forgets those that hang on counts, while it is false. */
void case_list_drop(struct case_list *list, const bool *counts);

/* Likewise. */
json_t *case_list_to_json(const struct case_list *list);
