#pragma once

#include <jansson.h>
#include <stdbool.h>

/* The ELF machines that the executable of these settings emulates, by its name (qemu-system-arm); NULL: one
 * we do not know. Static storage. */
const char *qemu_firmware_machine(const json_t *settings);

/* Whether it knows semihosting: the others refuse to be told of it. */
bool qemu_has_semihosting(const json_t *settings);
