#pragma once

#include <jansson.h>

/* Why the executable of these settings cannot be run, with the package that brings it where that is known;
 * NULL where it can (or where that depends on the working directory). Caller frees. Starts nothing. */
char *qemu_executable_unavailable(const json_t *settings);
