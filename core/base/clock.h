#pragma once

#include <stdint.h>

/* Milliseconds since 1970 (wall) and since an arbitrary start (monotonic). */
int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

enum { CLOCK_RFC3339_SIZE = 32 };

/* RFC 3339 in UTC with milliseconds: 2026-11-22T08:49:00.123Z */
void clock_format_rfc3339(int64_t wall_ms, char out[static CLOCK_RFC3339_SIZE]);
/* The time of such a text; -EINVAL: it is another. */
int clock_parse_rfc3339(const char *text, int64_t *ret_wall_ms);
