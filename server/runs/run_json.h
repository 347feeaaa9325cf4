#pragma once

/* A run as the API tells it. */

#include "server/store/runs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* position: in the queue, 0: it does not wait. first_offset: of the output that is still kept. is_whole: with
 * its test cases and its configuration, which lists leave out. New reference; NULL: no memory. */
json_t *run_row_to_json(const struct run_row *row, size_t position, int64_t first_offset, bool is_whole);
