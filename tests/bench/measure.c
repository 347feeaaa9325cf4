#include "tests/bench/measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
	printf("%-44s %-16s %9s %15s %15s\n", "what (medians)", "bound", "ratio", "emud", "bare");
	fflush(stdout);
}

void table_ratio(const char *what, const char *bound, double emud, double bare, const char *unit)
{
	printf("%-44s %-16s %9.3f %10.3f %-4s %10.3f %s\n", what, bound, emud / bare, emud, unit, bare, unit);
	fflush(stdout);
}

void table_value(const char *what, const char *bound, double value, const char *unit, const char *note)
{
	printf("%-44s %-16s %9s %10.3f %-4s %s\n", what, bound, "", value, unit, note);
	fflush(stdout);
}

void table_skipped(const char *what, const char *why)
{
	printf("%-44s skipped: %s\n", what, why);
	fflush(stdout);
}
