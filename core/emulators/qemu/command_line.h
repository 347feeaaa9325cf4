#pragma once

/* QEMU's command line, as a vector: the order is pw_emu's, so that args mean the same. */

#include "core/emulators/launcher.h"

/* Descriptors of this process that QEMU inherits under the same numbers. */
struct qemu_descriptors {
	int qmp, monitor, gdb; /* listening unix sockets */
	int control;           /* QEMU's end of emud's own QMP connection */
	int gate;              /* a pipe: QEMU opens nothing of the above or of the consoles before its end */
};

/* Whether an argument is the option for QEMU's own sandbox: one of the user's replaces ours. */
bool qemu_names_sandbox(const char *argument);

/* A NULL-terminated vector (text_vector_free), or NULL with error set. The consoles are taken from the
 * state directory: "<channel>.in" and "<channel>.out" must be there when the gate ends. */
char **qemu_command_line(const struct launch *launch, const struct qemu_descriptors *descriptors,
			 struct error *error);
