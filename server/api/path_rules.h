#pragma once

#include "server/api/app.h"

/* Whether a client may have its state directory at path (absolute): below a configured path root or emud's
 * own instances folder once symlinks and ".." of what exists are resolved. 0; -EXDEV with code
 * "path_not_allowed". */
int path_rules_check(const struct app *app, const char *path, struct error *error);
