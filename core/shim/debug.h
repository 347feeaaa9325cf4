#pragma once

/* gdb in batch mode against the instance, and what is built on it: loading an image. */

#include "core/shim/instance.h"

/* After a failure the board is brought to where it was: all in less than emud waits beyond the timeout of
 * the call. */
enum { DEBUG_FREE_TIMEOUT_MS = 5000, DEBUG_STOP_TIMEOUT_MS = 500, DEBUG_RESUME_TIMEOUT_MS = 1000 };

/*
 * arguments: {"commands":[...],"file":{"path","device","inode"}?,"paused":bool?}. paused: leave the guest
 * stopped; default: as it was. result: {"exit_code","stdout","stderr"}. Completes once, never from within.
 * Error codes: "command_refused" (whose result is {"errors":[{"pointer","detail"}]}), "channel_busy",
 * "file_not_found", "emulator_unavailable" (no gdb), "timeout" (whose result is what gdb had written by
 * then), ... No other error bears a result.
 */
void debug_run(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
	       connector_done *on_done, void *data);

/* Opens the very file that emud has looked at, {"path","device","inode"}: the path may have been given
 * another since. The descriptor; -1 where file is NULL or null, and no error is set; else a negative errno
 * below -1. */
int debug_open_file(const json_t *file, struct error *error);

/* Of a board that was to go on after error: says so where the resume failed, too, and it stands still. */
void debug_note_resume(const struct instance *instance, const struct error *resume_error,
		       struct error *error);

/* arguments: {"file":{...},"paused":bool?}: the emulator's own load where it has one, else gdb's, then the
 * reset that makes it right, then on, unless paused. What fails leaves the board running or not as it was
 * before, and says so where it cannot: memory that was written and not reset leaves it paused. */
void debug_load(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
		connector_done *on_done, void *data);
