#pragma once

#include <jansson.h>

/* The ELF machines that the executable of these settings emulates, by its name (qemu-system-arm); NULL: one
 * we do not know. Static storage. */
const char *qemu_firmware_machine(const json_t *settings);
