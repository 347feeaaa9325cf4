#pragma once

/* What the end of a QEMU process means, from its status and the events heard before it. */

#include "core/process/process.h"

#include <jansson.h>
#include <stdbool.h>

/* Zero-initialised: nothing heard yet. */
struct qemu_life {
	bool started;         /* the start was completed */
	unsigned resumes;     /* how often the guest was set running; 0: it never ran */
	const char *shutdown; /* what the last SHUTDOWN means (static); NULL: none since the guest last ran */
};

/* Takes note of a QMP event. */
void qemu_life_note(struct qemu_life *life, const char *event, const json_t *event_data);

/*
 * One of API.md's exit reasons, static storage:
 * - "start_failed": ended before the start was completed
 * - "crashed": by a signal (a lockup is SIGABRT), a panic, or an error of QEMU's before the guest ran
 * - "guest_shutdown", "terminated": as the SHUTDOWN event says, whatever the exit code
 * - "guest_exit": exited without a SHUTDOWN once the guest had run. Semihosting and test devices give no
 *   event, and QEMU's own run-time faults abort, while those that exit with 1 come before the guest runs:
 *   so a code of 1 is taken for the guest's own.
 */
const char *qemu_end_reason(const struct qemu_life *life, const struct process_end *end);
