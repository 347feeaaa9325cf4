#pragma once

/* Percent-decoding and query strings. Knows no connection. */

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Decodes %XX in place (and, in queries, '+' as a space). 0, or -EINVAL for an escape that is none, for a NUL
 * or for bytes that are not UTF-8. */
int uri_decode(char *text, bool plus_is_space);

struct uri_parameter {
	const char *name;
	const char *value; /* "" for a bare name */
};

enum { URI_PARAMETERS_MAX = 256 };

/* Takes "a=1&b=2&a=3" apart and decodes it in place: *ret_parameters (the caller frees the array), in the
 * order given, points into query. 0, -EINVAL (code "invalid_parameter": not decodable, too many) or -ENOMEM.
 */
int uri_parse_query(char *query, struct uri_parameter **ret_parameters, size_t *ret_count,
		    struct error *error);
