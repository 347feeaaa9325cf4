#include "server/api/host_rules.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_NAME_SIZE = 256 };

struct authority {
	char name[HOST_NAME_SIZE]; /* without the brackets of an IPv6 literal */
	bool is_ipv6;
	long port; /* -1: none given */
};

static bool parse_port(const char *text, long *ret_port)
{
	size_t length = strlen(text);
	if (length < 1 || length > 5 || strspn(text, "0123456789") != length)
		return false;
	*ret_port = strtol(text, NULL, 10);
	return *ret_port >= 1 && *ret_port <= 65535;
}

/* "name", "name:port", "[v6]", "[v6]:port" and nothing else. */
static bool parse_authority(const char *text, struct authority *authority)
{
	authority->is_ipv6 = text[0] == '[';
	authority->port = -1;
	const char *name = authority->is_ipv6 ? text + 1 : text;
	size_t length = strcspn(name, authority->is_ipv6 ? "]" : ":");
	if (length == 0 || length >= HOST_NAME_SIZE)
		return false;
	memcpy(authority->name, name, length);
	authority->name[length] = '\0';
	const char *rest = name + length;
	if (authority->is_ipv6 && *rest++ != ']')
		return false;
	if (*rest == '\0')
		return true;
	return *rest == ':' && parse_port(rest + 1, &authority->port);
}

static bool is_address_literal(const struct authority *authority)
{
	unsigned char address[sizeof(struct in6_addr)];
	return inet_pton(authority->is_ipv6 ? AF_INET6 : AF_INET, authority->name, address) == 1;
}

static bool same_name(const struct authority *a, const struct authority *b)
{
	return a->is_ipv6 == b->is_ipv6 && strcasecmp(a->name, b->name) == 0;
}

bool host_is_allowed(const char *host, const char *const *hosts)
{
	struct authority asked, listed;
	if (!host || !parse_authority(host, &asked))
		return false;
	if (is_address_literal(&asked) || (!asked.is_ipv6 && strcasecmp(asked.name, "localhost") == 0))
		return true;
	for (; hosts && *hosts; hosts++)
		if (parse_authority(*hosts, &listed) && same_name(&asked, &listed) &&
		    (listed.port < 0 || listed.port == asked.port))
			return true;
	return false;
}

long host_port(const char *host)
{
	struct authority asked;
	return host && parse_authority(host, &asked) ? asked.port : -1;
}

/* An origin is "scheme://host[:port]" without anything behind. */
static bool parse_origin(const char *origin, struct authority *authority)
{
	static const struct {
		const char *prefix;
		long port;
	} schemes[] = {{"http://", 80}, {"https://", 443}};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t length = strlen(schemes[i].prefix);
		if (strncasecmp(origin, schemes[i].prefix, length) != 0)
			continue;
		if (!parse_authority(origin + length, authority))
			return false;
		if (authority->port < 0)
			authority->port = schemes[i].port;
		return true;
	}
	return false;
}

static bool is_own(const char *origin, const char *host)
{
	struct authority theirs, ours;
	if (!host || !parse_origin(origin, &theirs) || !parse_authority(host, &ours))
		return false;
	/* Host without a port means the port of the scheme, as in the origin. */
	bool is_https = strncasecmp(origin, "https://", 8) == 0;
	long port = ours.port < 0 ? (is_https ? 443 : 80) : ours.port;
	return same_name(&theirs, &ours) && theirs.port == port;
}

bool origin_is_allowed(const char *origin, const char *host, const char *const *origins)
{
	if (!origin)
		return true;
	if (strcasecmp(origin, "null") == 0)
		return false;
	if (is_own(origin, host))
		return true;
	for (; origins && *origins; origins++)
		if (strcasecmp(origin, *origins) == 0)
			return true;
	return false;
}
