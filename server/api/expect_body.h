#pragma once

/* What POST .../expect is sent. */

#include "core/patterns/pattern_set.h"
#include "server/http/request.h"

struct field_faults;

struct expect_body {
	json_t *json; /* owned */
	size_t count; /* of patterns */
	bool has_offset;
	int64_t offset;
	uint64_t timeout_ms;
	char *send; /* owned base64; NULL: nothing is sent */
};

/* False: a fault of form, and the problem was replied. Faults of meaning are added to *faults. */
bool expect_body_read(struct request *request, struct expect_body *ret_body, struct field_faults *faults);
void expect_body_finish(struct expect_body *body);

/* The name of a pattern; borrowed. */
const char *expect_body_name(const struct expect_body *body, size_t pattern);

/* Compiles every pattern; those that cannot be used are added to *faults. Takes its time: not in the loop's
 * thread. */
struct pattern_set *expect_body_compile(const struct expect_body *body, struct field_faults *faults);
