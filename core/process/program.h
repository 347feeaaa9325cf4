#pragma once

#include <stdbool.h>

/* Whether a program can be executed: by its absolute path, or from the PATH where the name has no slash. A
 * path relative to the working directory of a start is not looked up, and counts as there. */
bool program_is_there(const char *name);
