#pragma once

/* What emud can ask of a shim: a row a command. */

#include "core/shim/control.h"

/* Runs it; an unknown one is answered as such. */
void command_run(const char *name, struct call *call);
