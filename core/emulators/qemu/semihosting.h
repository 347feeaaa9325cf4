#pragma once

/*
 * Semihosting for a guest nobody has asked about it: whether the board gets it, what its output becomes, and
 * what its file calls reach. QEMU opens the guest's files as itself, so QEMU is what must be kept from the
 * host's: by an enclosure, else by Landlock, and where neither is to be had there is no semihosting.
 */

#include "core/emulators/launcher.h"

/* The command line's option, behind qemu_semihosting_settings. */
#define QEMU_SEMIHOSTING "semihosting"

struct qemu_semihosting {
	struct enclosure *enclosure;     /* owned; NULL: there is none */
	const char *const *narrow_paths; /* as the launch_command's */
	char **write_paths;              /* owned; likewise */
	char *directory;                 /* owned: where the guest's files lie; NULL: neither */
	bool has_console;                /* "semihosting", QEMU's standard input and output */
	int input_fd, output_fd;         /* owned; -1: not open */
};

/* Finds out what this launch is to have; without enclosure and narrow_paths it is as any other. New
 * reference: the launch's settings with the option and a console for what the guest prints by it, unless its
 * target or args have either already. NULL: no memory. Blocks for 0.3 ms where semihosting is asked for. */
json_t *qemu_semihosting_begin(struct qemu_semihosting *semihosting, const struct launch *launch);
void qemu_semihosting_finish(struct qemu_semihosting *semihosting);

/* The consoles' files exist: opens those of its own, and tells which QEMU will have to. settings: as begin
 * made them. */
int qemu_semihosting_open(struct qemu_semihosting *semihosting, const struct launch *launch,
			  const json_t *settings, struct error *error);

/* QEMU has loaded all it is made of, and the guest has not run yet: from now on it has the launch's files
 * directory alone. The guest must not run where it fails. */
int qemu_semihosting_close(const struct qemu_semihosting *semihosting, const struct launch *launch, pid_t pid,
			   struct error *error);
