/* Prints the numbers to hold as ratios in one run. usage: bench BUILD_DIR */

#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct service service;

/* Also when a measurement failed half-way. */
static void stop(void)
{
	service_stop(&service);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s BUILD_DIR\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	table_start();
	service_start(&service, argv[1]);
	atexit(stop);
	bench_footprint(&service);
	bench_start(&service);
	bench_commands(&service);
	bench_console(&service);
	bench_requests(&service);
	return 0;
}
