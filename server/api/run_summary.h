#pragma once

#include <jansson.h>
#include <stdbool.h>

/* run: as the API tells it. */
bool run_is_passed(const json_t *run);

/* One line that tells what came of it, on a line of its own if begins_line. Caller frees; NULL: no memory. */
char *run_summarize(const json_t *run, bool begins_line);
