/* Prints the numbers to hold as ratios in one run. usage: emud-bench BUILD_DIR [GROUP...] */

#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(struct service *service);
} groups[] = {
    /* The first wants an emud that has done nothing yet. */
    {"footprint", bench_footprint}, {"start", bench_start},       {"commands", bench_commands},
    {"console", bench_console},     {"requests", bench_requests}, {"runs", bench_runs},
    {"expect", bench_expect},       {"matching", bench_matching}, {"renode", bench_renode},
};

static struct service service;

/* Also when a measurement failed half-way. */
static void stop(void)
{
	service_stop(&service);
}

static bool is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (strcmp(name, *wanted) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s BUILD_DIR [GROUP...]; the groups:", argv[0]);
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			fprintf(stderr, " %s", groups[i].name);
		fputc('\n', stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	table_start();
	service_start(&service, argv[1], NULL);
	atexit(stop);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (is_wanted(groups[i].name, argv + 2))
			groups[i].run(&service);
	return 0;
}
