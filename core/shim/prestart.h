#pragma once

/*
 * An emulator that stands ready before its instance is known: its process runs, with nothing in it, in a
 * state directory that becomes the instance's. What the instance is comes later, as another spec.json.
 */

#include "core/shim/instance.h"

int prestart_begin(struct instance *instance, struct error *error);

/* The instance is known. Takes spec; firmware_fd (-1: none) is borrowed. What comes of it is told as of any
 * start. */
void prestart_settle(struct instance *instance, struct spec *spec, int firmware_fd);

/* The descriptor that the emulator has or gets its firmware by; -1: none. */
int prestart_firmware(const struct instance *instance);
void prestart_end(struct instance *instance);
