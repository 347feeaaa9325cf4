#pragma once

#include "core/base/error.h"
#include "core/emulators/qemu/qmp.h"

/*
 * The problem code for QEMU's refusal of a property call, from its class and words: "property_not_found"
 * (no such object or property), "invalid_value" (wrong type, out of range, not writable, not readable,
 * ambiguous path), else "emulator_error".
 */
const char *qemu_property_error_code(const struct qmp_message *refusal, const char *path);

/* True where QEMU wanted a number and got a value of another type. */
bool qemu_property_wants_integer(const struct qmp_message *refusal);
