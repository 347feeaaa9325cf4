#pragma once

/* "<name>.pid" in a state directory: the decimal pid alone, whole before it appears (as pw_emu leaves it). */

#include "core/base/error.h"

#include <sys/types.h>

int pidfile_write(int dirfd, const char *name, pid_t pid, struct error *error);
void pidfile_remove(int dirfd, const char *name);
