#pragma once

/* The way from a process_spec to a child that runs its program: everything between fork and exec. */

#include "core/base/error.h"
#include "core/process/process.h"

#include <sys/types.h>

/* Returns the child's pidfd once its program runs, and its pid. A child that fails before leaves nothing. */
int launch(const struct process_spec *spec, pid_t *ret_pid, struct error *error);
