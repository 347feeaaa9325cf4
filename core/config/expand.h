#pragma once

/* $pw_...{} expressions when a file is loaded: $pw_env{...} is replaced, $pw_emu_...{...} is left for the
 * start of a helper, anything else is an error. */

#include "core/config/findings.h"

#include <jansson.h>

enum expand_mode {
	EXPAND_SETTING, /* $pw_emu_...{...} has no meaning here: an error */
	EXPAND_HELPER,  /* it stays as it is */
	/* The section of an emulator that is not built in: what is wrong there only gives warnings. */
	EXPAND_FOREIGN,
};

/* A copy of value with every string in it expanded. New reference, never the same maps and lists; NULL
 * without memory. Where an expression cannot be resolved a finding is added for each and the copy goes on. */
json_t *expand_value(json_t *value, const struct place *place, enum expand_mode mode,
		     struct findings *findings);
