#pragma once

/* What jansson leaves out. */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

/* Parses one JSON value. Integers beyond 64-bit signed become strings of their digits (QEMU has such
 * properties; jansson refuses them). New reference, or NULL with error set (code "invalid_json"). */
json_t *json_parse(const char *text, size_t length, struct error *error);

/* Compact text, caller frees (plain free); NULL: no memory. Reals have 15 digits, so that 0.09 is told as
 * that. */
char *json_to_text(const json_t *json);

/* A member as a string / integer / boolean, or the fallback where it is absent or of another type. */
const char *json_member_string(const json_t *object, const char *key, const char *fallback);
json_int_t json_member_integer(const json_t *object, const char *key, json_int_t fallback);
double json_member_real(const json_t *object, const char *key, double fallback);
bool json_member_boolean(const json_t *object, const char *key, bool fallback);

/* Text that may not be UTF-8 as a JSON string, with U+FFFD for what is not. New reference. */
json_t *json_text(const char *bytes, size_t length);
/* The same of a whole text; NULL: null. */
json_t *json_text_of(const char *text);
/* {"pointer","detail"} behind the others of *list (made where it is NULL), as the "errors" of a problem are.
 * Both may be no UTF-8, as what was cut to a length: a fault that were left out for that would be none. */
void json_add_fault(json_t **list, const char *pointer, const char *detail);

/* ["a","b"] to a NULL-terminated vector of copies; NULL if it is not an array of strings or no memory. */
char **json_to_text_vector(const json_t *array);
json_t *json_from_text_vector(const char *const *vector);
