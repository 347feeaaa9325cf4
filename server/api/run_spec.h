#pragma once

/* What a run is to be, as JSON: its form, its meaning, its defaults. */

#include <jansson.h>
#include <stdint.h>

struct field_faults;

enum {
	RUN_PATTERNS_MOST = 64, /* of each kind; and the steps of input */
	RUN_PATTERN_BYTES_MOST = 4096,
	RUN_SECONDS_MOST = 31 * 24 * 3600,
	RUN_TIMEOUT_S = 300,
	RUN_QUEUE_TIMEOUT_S = 3600,
};

/* Adds what is wrong, with JSON pointers. input_bytes: the most that one step of input may send. */
void run_spec_check(const json_t *body, uint64_t input_bytes, struct field_faults *faults);

/* The spec of run_body.h of a body without faults. New reference; NULL: no memory. */
json_t *run_spec_normalize(const json_t *body);
