#pragma once

/* The routes, compiled: matching a path against patterns. Knows no connection. */

#include "core/base/error.h"
#include "server/http/router.h"

#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_SEGMENTS_MAX = 24, ROUTE_ALLOW_SIZE = 128 };

struct route_table;

/* routes ends with a NULL pattern and must outlive the table. NULL with error set: a pattern is malformed. */
struct route_table *route_table_create(const struct route *routes, struct error *error);
void route_table_destroy(struct route_table *table);

/* A path taken apart: decoded in place, segment by segment, so that "%2F" never parts two segments. */
struct route_path {
	const char *segments[ROUTE_SEGMENTS_MAX];
	size_t count;
	const char *whole; /* decoded, with its slashes and without /v1 */
	bool versioned;    /* it began with /v1 */
};

/* Both buffers hold the raw path (which begins with a slash) and are overwritten; path points into them.
 * 0, -EINVAL (not percent-encoded UTF-8, or no path) or -ENAMETOOLONG. */
int route_path_parse(char *segments_buffer, char *whole_buffer, struct route_path *path);

struct route_match {
	const struct route *route; /* NULL: no route takes this method (or, with allow empty, this path) */
	const struct route_pattern *pattern;
	unsigned path_flags;          /* flags that all the path's routes share */
	char allow[ROUTE_ALLOW_SIZE]; /* filled only where route is NULL: "GET, HEAD, OPTIONS" */
};

void route_table_match(const struct route_table *table, const char *method, const struct route_path *path,
		       struct route_match *match);

/* A parameter of the matched pattern, decoded; NULL if the pattern has no such name. */
const char *route_match_parameter(const struct route_match *match, const struct route_path *path,
				  const char *name);
