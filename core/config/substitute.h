#pragma once

/* $pw_<kind>{name} expressions within configuration strings. All in a string are replaced. */

#include "core/base/error.h"

/* Looks one expression up. Returns text the caller frees, or NULL with error set. */
typedef char *substitute_lookup(const char *kind, const char *name, void *data, struct error *error);

/* Replaces every expression whose kind begins with prefix ("pw_env", "pw_emu_"); others stand as they are.
 * New string, or NULL with error set. */
char *substitute_text(const char *text, const char *prefix, substitute_lookup *lookup, void *data,
		      struct error *error);

/* Checks that every $pw_<kind>{...} in text has a known kind: pw_env, pw_emu_wdir, pw_emu_channel_port,
 * pw_emu_channel_host, pw_emu_channel_path. 0 or -EINVAL. */
int substitute_check_kinds(const char *text, struct error *error);
