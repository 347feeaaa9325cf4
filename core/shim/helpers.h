#pragma once

/* pre-start and post-start helper commands: substitution of $pw_emu_*{...}, then a process of the crew
 * each. */

#include "core/shim/channels.h"
#include "core/shim/crew.h"

struct helpers_context {
	const char *state_dir;
	const struct channels *channels;
	const struct confinement *confinement;
};

/* commands: [{"name","command":[...]}], NULL: none. Stops at the first that cannot be started. */
int helpers_start(struct crew *crew, const json_t *commands, const struct helpers_context *context,
		  struct error *error);
