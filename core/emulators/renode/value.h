#pragma once

/* Values as Renode's monitor writes and reads them. */

#include "core/base/error.h"

#include <jansson.h>

/* The text of a property of that type (as the listing names it) as a JSON number, boolean or string; of an
 * enumeration the value alone, without the possible ones. An integer beyond 64-bit signed is the string of
 * its decimal digits. New reference. */
json_t *renode_value_parse(const char *text, const char *type);

/* The words that set a property of that type; the caller frees them. NULL: error says why the value will not
 * do (code "invalid_value"). */
char *renode_value_format(const json_t *value, const char *type, struct error *error);
