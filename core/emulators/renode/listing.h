#pragma once

/* The text that Renode's monitor answers to an object's path alone. */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * {"properties":[{"name","type","readable","writable"}...],
 *  "methods":[{"name","returns","parameters":["Int64 offset",...]}...]}, in the text's order. Fields count as
 * properties. What the text has besides is passed over. New reference; NULL: no memory.
 */
json_t *renode_listing_parse(const char *text);

/* The property of that name in a listing, or NULL. Borrowed. */
const json_t *renode_listing_property(const json_t *listing, const char *name);
bool renode_listing_has_method(const json_t *listing, const char *name);
