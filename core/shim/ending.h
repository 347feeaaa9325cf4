#pragma once

/* What the end of a start means: exit code or signal, reason, last words. */

#include "core/process/process.h"

#include <jansson.h>
#include <stdbool.h>

struct ending {
	bool stop_asked; /* by us */
	bool killed;     /* it needed SIGKILL */
	bool went_live;  /* the guest ran or stood ready */
	bool exited;     /* status holds how the emulator ended */
	struct process_end status;
	const char *launcher_reason; /* what the launcher makes of it; NULL: nothing */
	char start_error[2048];      /* why the start failed, where it is known; else "" */
	bool start_was_given_up;     /* by us: start_error counts, not the emulator's words */
};

/* True if that reason makes the instance failed, not exited. */
bool ending_is_failure(const char *reason);

/* {"code","signal","reason","detail"}; log_name below dirfd holds the last words. New reference. */
json_t *ending_describe(const struct ending *ending, int dirfd, const char *log_name);
