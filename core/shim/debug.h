#pragma once

/* gdb in batch mode against the instance, and what is built on it: loading an image. */

#include "core/shim/instance.h"

/*
 * arguments: {"commands":[...],"file":{"path","device","inode"}?,"paused":bool?}. paused: leave the guest
 * stopped; default: as it was. result: {"exit_code","stdout","stderr"}. Completes once, never from within.
 * Error codes: "command_refused", "channel_busy", "file_not_found", "emulator_unavailable" (no gdb),
 * "timeout" (whose result is what gdb had written by then), ...
 */
void debug_run(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
	       connector_done *on_done, void *data);

/* Opens the very file that emud has looked at, {"path","device","inode"}: the path may have been given
 * another since. The descriptor; -1 where file is NULL or null, and no error is set; else a negative errno
 * below -1. */
int debug_open_file(const json_t *file, struct error *error);

/* arguments: {"file":{...},"paused":bool?}: the emulator's own load where it has one, else gdb's, then the
 * reset that makes it right, then on. */
void debug_load(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
		connector_done *on_done, void *data);
