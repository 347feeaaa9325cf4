#pragma once

/* Reads along with a run's expectation, on the pool, and finds the test cases. */

#include "core/cases/cases.h"
#include "server/watch/expectation.h"

struct run_reader;

/* on_released: the expectation is done with it, once; not after run_reader_destroy. NULL: no memory. */
struct run_reader *run_reader_create(void (*on_released)(void *data), void *data);
/* While an expectation has it, that frees it. Takes NULL. */
void run_reader_destroy(struct run_reader *reader);

/* Puts it into the options of an expectation, which has it from then on if it can be created: say so. */
void run_reader_join(struct run_reader *reader, struct expectation_options *options);
void run_reader_joined(struct run_reader *reader);
bool run_reader_is_free(const struct run_reader *reader); /* no expectation has it */

/* Reads on to end_offset, from where the expectation has come to, and ends. The test cases as JSON text, the
 * caller's; NULL: there are none. Where there is much to read, on the pool; only when it is free. */
char *run_reader_finish(struct run_reader *reader, int fd, int64_t end_offset);
