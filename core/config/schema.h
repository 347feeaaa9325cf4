#pragma once

/* Holds a section against its rows: types, required keys, unknown keys. */

#include "core/config/config.h"
#include "core/config/findings.h"

#include <jansson.h>

/*
 * Every error and warning is added at its place. rows end with a NULL path. Maps that rows name only on the
 * way to a deeper key ("channels" in "channels.type") must be maps; a CONFIG_MAP row without deeper rows is
 * not looked into. 0, or -EINVAL when errors were found.
 */
int schema_check(const struct config_key *rows, const json_t *section, const struct place *place,
		 struct findings *findings);

/* rows with a CONFIG_MAP row for each name behind them; the names must outlive the result, which the caller
 * frees. NULL: no memory. */
struct config_key *schema_rows_with_sections(const struct config_key *rows, const char *const *names);
