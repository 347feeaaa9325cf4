#pragma once

/* Routes are rows of a table. Every pattern also answers under /v1 (unless it says otherwise), HEAD
 * wherever there is GET, OPTIONS everywhere, 405 with Allow. */

#include <stddef.h>
#include <stdint.h>

struct request;

enum body_mode {
	BODY_NONE, /* a body is refused with 400 unless empty */
	BODY_JSON, /* whole, in memory, Content-Type application/json (415), limit (413), parsed (400) */
	BODY_JSON_OPTIONAL, /* the same, or none at all */
	BODY_BYTES,         /* whole, in memory, any Content-Type, limit */
	BODY_STREAM,        /* chunk by chunk to request_set_body_sink; any Content-Type */
};

struct route {
	const char *method;  /* "GET" (serves HEAD too), "POST", ... */
	const char *pattern; /* "/instances/{id}/channels/{name}/output"; a last "{rest*}" takes the rest */
	/* Called when the head (BODY_STREAM) or the whole body (else) is there. Must see to exactly one
	 * reply, now or later. */
	void (*handler)(struct request *request, void *app);
	enum body_mode body;
	const char *const *query; /* allowed query parameters, NULL-terminated; NULL: none. Others: 400 naming
				   * all. "a*" may be given more than once, any other once (400) */
	const char *operation_id; /* as in openapi.yaml */
	uint64_t max_body_bytes;  /* 0: the server's default; UINT64_MAX: the handler judges */
	unsigned flags;
};

enum { ROUTE_OPEN = 1, /* no token needed */ ROUTE_UNVERSIONED = 2 /* not under /v1 */ };
