#pragma once

#include "server/api/app.h"

/* The root below which a client may have its state directory at path (absolute): below a configured path root
 * or emud's own instances folder once symlinks and ".." of what exists are resolved. Where it is made it must
 * be kept below that: the path may be another since. The caller frees; NULL with code "path_not_allowed". */
char *path_rules_find_root(const struct app *app, const char *path, struct error *error);
