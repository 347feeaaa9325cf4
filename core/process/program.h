#pragma once

#include <stdbool.h>

/* Whether a program can be executed: by its absolute path, or from the PATH where the name has no slash. A
 * path relative to the working directory of a start is not looked up, and counts as there. */
bool program_is_there(const char *name);

/* The path of a program that can be executed, from the PATH where the name has no slash. The caller frees it;
 * NULL: there is none (or no memory). */
char *program_find(const char *name);
