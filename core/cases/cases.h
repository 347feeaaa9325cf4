#pragma once

/*
 * Finds test cases in what a board prints: the formats of pw_unit_test, GoogleTest, Unity, Zephyr's ztest and
 * TAP are rows of a table (recognizers.h). Fed in chunks of any size; what is found does not depend on them.
 * Knows no loop; may be used in any one thread at a time.
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Beyond these, cases and messages are counted or cut, and said to be. */
enum { CASES_MOST = 20000, CASE_NAME_BYTES = 512, CASE_MESSAGE_BYTES = 16 * 1024 };

struct cases;

struct cases *cases_create(struct error *error);
void cases_destroy(struct cases *cases); /* takes NULL */

/* 0 or -ENOMEM. */
int cases_feed(struct cases *cases, const void *bytes, size_t length, struct error *error);
/* No byte will follow: a last line without an end is looked at, and a case that has begun and not ended is an
 * error with that message. Likewise. */
int cases_end(struct cases *cases, struct error *error);

/* What was found so far: [{"suite","name","result","duration"?,"message"?}], result one of "passed",
 * "failed", "skipped", "error"; duration in seconds; text is valid UTF-8 (other bytes as \xNN). New
 * reference; NULL: no memory. */
json_t *cases_to_json(const struct cases *cases);
