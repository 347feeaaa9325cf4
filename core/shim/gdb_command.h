#pragma once

#include "core/base/error.h"

/* 0, or -EPERM (code "command_refused") for a gdb command that leaves gdb: runs programs, scripts or other
 * commands that cannot be judged, or is more than one line. Abbreviations count. */
int gdb_command_check(const char *command, struct error *error);
