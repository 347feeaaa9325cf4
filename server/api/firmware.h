#pragma once

/* What a firmware file says about itself, by libelf. The file is a stranger's: nothing in it is trusted. */

#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { FIRMWARE_MACHINE_SIZE = 32 };

struct firmware {
	const char *kind; /* static: "elf32", "elf64", or "raw" for anything that is not ELF */
	char machine[FIRMWARE_MACHINE_SIZE]; /* "ARM", "RISC-V", "x86-64", ..., "machine 1234"; "" when raw */
	bool has_entry;
	uint64_t entry; /* an address, as the header has it (ARM: with the Thumb bit) */
	uint64_t size_bytes;
};

/* Reads the regular file fd from its beginning, whatever its offset, which stays as it is. -ENOEXEC with
 * code "invalid_file": it is empty, or an ELF file that is damaged or cut short. */
int firmware_inspect(int fd, struct firmware *ret_firmware, struct error *error);

/* Whether firmware is for one of the machines named in expected: names as in struct firmware, separated by
 * commas ("AArch64,ARM"). NULL expects nothing, and a raw file fits every machine. -ENOEXEC with code
 * "invalid_file" and both names in the message. */
int firmware_check_machine(const struct firmware *firmware, const char *expected, struct error *error);
