#pragma once

/* The regular expressions of a run, compiled. */

#include "core/patterns/pattern_set.h"

#include <jansson.h>
#include <stddef.h>

struct run_patterns {
	struct pattern_set *verdict; /* pass, then fail */
	size_t pass_count;
	struct pattern_set **steps; /* of the input, one pattern each; NULL: the step sends at once */
	size_t step_count;
};

/* spec: as run_body makes it. What cannot be used is added to *faults ([{"pointer","detail"}], made where
 * there is the first). Takes its time: not in the loop's thread. NULL: no memory. */
struct run_patterns *run_patterns_compile(const json_t *spec, json_t **faults);
void run_patterns_destroy(struct run_patterns *patterns); /* takes NULL */
