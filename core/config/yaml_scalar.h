#pragma once

#include <jansson.h>

/* What a plain (unquoted) scalar is by YAML's core schema: null, boolean, integer, real, else a string. What
 * JSON has no number for (infinities, integers beyond 64 bits) stays a string. New reference; NULL: no memory
 * or not UTF-8. */
json_t *yaml_scalar_resolve(const char *text, size_t length);
