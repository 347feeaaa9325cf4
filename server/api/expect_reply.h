#pragma once

/* What POST .../expect answers. */

#include "server/api/expect_body.h"
#include "server/watch/expectation.h"

/* The match. New reference; NULL: no memory. */
json_t *expect_pack_match(const struct expect_body *body, const struct pattern_set *set,
			  const struct pattern_match *match, int64_t start_number);

/* What was looked at in vain (the last 64 KiB of it), from `offset` on. Likewise. */
json_t *expect_pack_seen(const struct expectation *expectation, int64_t offset);
