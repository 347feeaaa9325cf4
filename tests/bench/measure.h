#pragma once

/* Clock, medians, and the table of results. */

#include <stddef.h>
#include <stdint.h>

/* Prints what failed and exits: a benchmark has no other way on. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

double now_ms(void);
/* Sorts values. */
double median(double *values, size_t count);

void table_start(void);

struct sample {
	double *values; /* in any order; sorted by who takes it */
	size_t count;
};

/* One row: emud's median, bare's median and their ratio emud / bare, in the unit named ("/s": a rate), and
 * the same of the best measurement of each. */
void table_ratio(const char *what, const char *bound, struct sample emud, struct sample bare,
		 const char *unit);
/* One row whose bound is no ratio. */
void table_value(const char *what, const char *bound, double value, const char *unit, const char *note);
void table_skipped(const char *what, const char *why);
