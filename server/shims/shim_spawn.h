#pragma once

/* Starting a shim: on this machine, by posix_spawn. The one place that would change if an engine placed it on
 * another host. */

#include "core/base/error.h"

/* program: path of emud-shim. The descriptors are borrowed: listen_fd the listening control socket, state_fd
 * the state directory, firmware_fd the opened firmware or -1. The shim gets a session of its own, so that a
 * Ctrl-C at emud's terminal does not reach it, and EMUD_COOKIE=<cookie> in its environment, as every process
 * of the start has: by that one that hangs is found. 0 or a negative errno. */
int shim_spawn(const char *program, const char *cookie, int listen_fd, int state_fd, int firmware_fd,
	       struct error *error);
