#pragma once

/* What is found wrong while a configuration is read: the report as it grows. */

#include "core/config/config.h"
#include "core/config/place.h"

#include <stddef.h>

struct findings {
	struct config_report *report;
	size_t error_count; /* counts those too that no memory was left to report */
};

void findings_error(struct findings *findings, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void findings_warn(struct findings *findings, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An error at a line that has no mark (yet). line 0: that of the place. */
void findings_error_at(struct findings *findings, const struct place *place, size_t line, const char *format,
		       ...) __attribute__((format(printf, 4, 5)));

void findings_out_of_memory(struct findings *findings, const struct place *place);
