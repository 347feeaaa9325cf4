#include "tests/bench/measure.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *) left;
	double b = *(const double *) right;
	return (a > b) - (a < b);
}

double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void table_start(void)
{
	printf("%-44s %-16s %7s %14s %14s %5s  %s\n", "what (medians)", "bound", "ratio", "emud", "bare", "n",
	       "best of each");
	fflush(stdout);
}

void table_ratio(const char *what, const char *bound, struct sample emud, struct sample bare,
		 const char *unit)
{
	double ours = median(emud.values, emud.count);
	double theirs = median(bare.values, bare.count);
	/* Sorted now. The best is what an idle machine would give: the least of a time, the most of a
	 * rate. */
	bool is_rate = strstr(unit, "/s");
	double our_best = emud.values[is_rate ? emud.count - 1 : 0];
	double their_best = bare.values[is_rate ? bare.count - 1 : 0];
	printf("%-44s %-16s %7.3f %9.3f %-4s %9.3f %-4s %5zu  %.3f / %.3f = %.3f\n", what, bound,
	       ours / theirs, ours, unit, theirs, unit, emud.count, our_best, their_best,
	       our_best / their_best);
	fflush(stdout);
}

void table_value(const char *what, const char *bound, double value, const char *unit, const char *note)
{
	printf("%-44s %-16s %7s %9.3f %-4s %s\n", what, bound, "", value, unit, note);
	fflush(stdout);
}

void table_skipped(const char *what, const char *why)
{
	printf("%-44s skipped: %s\n", what, why);
	fflush(stdout);
}
