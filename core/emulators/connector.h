#pragma once

/*
 * What can be asked of a running emulator. Every call completes exactly once through on_done, never from
 * within the call: error NULL and a result (borrowed; NULL where there is none), or why not. Errors bear
 * codes: "emulator_error" (its own words), "emulator_timeout", "property_not_found", "invalid_value",
 * "not_running".
 */

#include "core/base/error.h"
#include "core/emulators/launcher.h"

#include <jansson.h>

typedef void connector_done(const struct error *error, const json_t *result, void *data);

struct connector_ops {
	/* property_get's result is {"value","raw"}: the emulator speaks text, and raw is what it said. */
	bool values_bear_text;
	/* Clients of a channel may pause the guest and set it running unheard: it is asked to when it seems
	 * to be so already. */
	bool others_drive;
	/* All mandatory. timeout_ms > 0. The launcher object is the connector's state too. */
	void (*reset)(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done, void *data);
	void (*pause)(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done, void *data);
	void (*resume)(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done, void *data);
	/* Asks the emulator itself to end; optional (NULL: SIGTERM is how). */
	void (*quit)(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done, void *data);
	/* Asks whether the guest stands still, which the events tell; optional (NULL: every change is heard).
	 */
	void (*look)(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done, void *data);
	/* Optional (NULL: gdb loads, and a reset follows). Starts the board from another image, which a reset
	 * then starts again; fd is borrowed for the call. One that will not do leaves the board at the start
	 * of the image it had. */
	void (*load)(struct launcher *launcher, int fd, bool paused, uint64_t timeout_ms,
		     connector_done *on_done, void *data);
	/* result: [{"name","type",...}], or {"properties":[...],"methods":[{"name","returns","parameters"}]}
	 */
	void (*property_list)(struct launcher *launcher, const char *path, uint64_t timeout_ms,
			      connector_done *on_done, void *data);
	/* result: the value, unless values_bear_text */
	void (*property_get)(struct launcher *launcher, const char *path, const char *name,
			     uint64_t timeout_ms, connector_done *on_done, void *data);
	void (*property_set)(struct launcher *launcher, const char *path, const char *name,
			     const json_t *value, uint64_t timeout_ms, connector_done *on_done, void *data);
};
