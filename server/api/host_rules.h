#pragma once

/* Which Host and Origin headers are ours: what keeps a web page elsewhere from driving emud with the
 * browser of somebody who may (DNS rebinding, cross-site requests). Pure functions. */

#include <stdbool.h>

/* True for an IPv4 or IPv6 literal, "localhost", or a name of hosts (NULL-terminated, or NULL: none), each
 * with or without a port. A listed "name" goes for every port, a listed "name:port" for that one. */
bool host_is_allowed(const char *host, const char *const *hosts);

/* The port that a Host header names; -1: none, or it is no host. */
long host_port(const char *host);

/* True where origin is absent (NULL: no browser, or a plain link), where it names the host and port of the
 * Host header over http or https, or where it is listed in origins. "null" never is. */
bool origin_is_allowed(const char *origin, const char *host, const char *const *origins);
