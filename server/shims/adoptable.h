#pragma once

/* A directory in which `pw emu` runs an emulator: whether it can be adopted, and how it is let go. */

#include "core/base/error.h"
#include "core/config/config.h"
#include "server/shims/fleet.h"

#include <jansson.h>

/* Where an adopted instance has its state directory: in the working directory of `pw emu`, apart from what is
 * pw emu's. */
#define ADOPTABLE_FOLDER ".emud"

/*
 * Looks into the request's path beneath root. 1: what runs there can be adopted, and *ret_spec (new
 * reference) is the request's spec completed by what handles.json says. 0: no `pw emu` has started anything
 * there. Or a negative errno that says why it cannot be adopted: codes "not_adoptable", "unknown_target",
 * "unknown_emulator", "invalid_value" (the spec asks for what only a start can give).
 */
int adoptable_look(const struct fleet_options *options, const struct config *config, const char *root,
		   const struct board_request *request, json_t **ret_spec, struct error *error);

/* The spec of an adopted instance as it is kept: target and emulator as found where it names none. New
 * reference. */
json_t *adoptable_complete(const json_t *spec, const char *target, const char *emulator);

/* Its shim is gone: pw emu's handles.json names pw emu's endpoints again. */
void adoptable_let_go(int state_dirfd);
