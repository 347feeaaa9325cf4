#pragma once

/* The confinement of one start: what its emulator, helpers and gdb may reach. */

#include "core/base/error.h"
#include "core/emulators/launcher.h"
#include "core/handles/spec.h"
#include "core/process/confine.h"

/* To read: the system, the emulator's own installation, where helpers run, what the configuration names, the
 * firmware. To write: the state directory, and files_fd (-1: none) when all above it is gone. NULL on
 * failure. */
struct confinement *sandbox_create(const struct spec *spec, const char *state_dir, int files_fd,
				   int firmware_fd, struct error *error);

/* To read: the system's libraries, the emulator, the firmware, and what the command tells; that alone to
 * write.
 */
struct confinement *sandbox_create_narrow(const struct spec *spec, const struct launch_command *command,
					  int firmware_fd, struct error *error);
