#pragma once

/* The helper processes of a target: "pre-start-cmds" and "post-start-cmds". */

#include "core/config/findings.h"

#include <jansson.h>
#include <stdbool.h>

#define HELPERS_PRE_START "pre-start-cmds"
#define HELPERS_POST_START "post-start-cmds"

/* Their ids, which name processes and files, and that each has a program. emulators: the target's. */
void helpers_check(const json_t *target, char *const *emulators, const struct place *place,
		   struct findings *findings);

/* Their $pw_emu_channel_...{} expressions. channels: a list with what each emulator of the target describes;
 * is_complete: no emulator is missing from it. */
void helpers_check_channels(const json_t *target, const json_t *channels, bool is_complete,
			    const struct place *place, struct findings *findings);

/* "pre-start-cmds" or "post-start-cmds" as [{"name","command"}...]. New reference. */
json_t *helpers_to_list(const json_t *target, const char *key);
