#pragma once

/* A match as the API tells it. */

#include "core/patterns/pattern_watch.h"

#include <jansson.h>

/* {"start","end","text","groups":[...],"named_groups":{...}}, with _base64 twins where bytes are not UTF-8.
 * New reference; NULL: no memory. */
json_t *match_to_json(const struct pattern_set *set, const struct pattern_match *match);

/* "text" of object, and its twin where the bytes are not UTF-8. */
void match_set_text(json_t *object, const char *bytes, size_t length);
