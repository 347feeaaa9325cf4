#pragma once

/*
 * The start of an instance that is none: an emulator that `pw emu` started is taken over. Its state directory
 * lies in the working directory of `pw emu`, which stays as it is but for the consoles' endpoints in
 * handles.json: these are ours, so that `pw emu` and any number of others can be there at once.
 */

#include "core/shim/instance.h"

/* What comes of it is told as of any start; a failure leaves the emulator as it was. */
int adoption_begin(struct instance *instance, struct error *error);

/* The end: what the consoles said last is kept, and handles.json is pw emu's own again, or gone where the
 * emulator was stopped by us (as `pw emu stop` does). Nothing where nothing was adopted. */
void adoption_end(struct instance *instance);

/* A fresh connection to a channel of its, the caller's; or a negative errno. It may come only when another
 * client of the emulator's has gone. */
int adoption_connect(struct instance *instance, const char *channel, struct error *error);

/* {"gdb":{"type","host","port"},...}, as handles.json tells them; NULL where nothing is adopted. Borrowed. */
const json_t *adoption_endpoints(const struct instance *instance);

/* Input that was on its way to the guest (a reset). */
void adoption_drop_input(struct instance *instance);
