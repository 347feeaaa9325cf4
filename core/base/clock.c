#include "core/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

void clock_format_rfc3339(int64_t wall_ms, char out[static CLOCK_RFC3339_SIZE])
{
	int64_t milliseconds = (wall_ms % 1000 + 1000) % 1000;
	time_t seconds = (time_t) ((wall_ms - milliseconds) / 1000);
	struct tm parts;
	char whole[24];
	gmtime_r(&seconds, &parts);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out, CLOCK_RFC3339_SIZE, "%s.%03dZ", whole, (int) milliseconds);
}

int clock_parse_rfc3339(const char *text, int64_t *ret_wall_ms)
{
	struct tm parts = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	if (!rest || rest[0] != '.' || strspn(rest + 1, "0123456789") != 3 || strcmp(rest + 4, "Z") != 0)
		return -EINVAL;
	*ret_wall_ms = (int64_t) timegm(&parts) * 1000 + strtol(rest + 1, NULL, 10);
	return 0;
}
