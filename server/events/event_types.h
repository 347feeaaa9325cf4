#pragma once

/* Every type of event there is, as openapi.yaml lists them. */

#include <stdbool.h>

extern const char *const event_types[]; /* NULL-terminated */

/* Whether a filter names a type, or a group of them ("instance.*"). */
bool event_types_has(const char *filter);
/* Whether an event of this type fits the filter. */
bool event_type_fits(const char *type, const char *filter);
