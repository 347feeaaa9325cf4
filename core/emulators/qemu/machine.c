#include "core/emulators/qemu/machine.h"

#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>

/* Names as <elf.h> has them for e_machine, behind EM_; the suffixes are QEMU's. */
static const struct {
	const char *suffix, *machines;
} rows[] = {
    {"arm", "ARM"}, {"aarch64", "AArch64,ARM"}, {"riscv32", "RISC-V"},    {"riscv64", "RISC-V"},
    {"avr", "AVR"}, {"i386", "x86,x86-64"},     {"x86_64", "x86,x86-64"}, {"xtensa", "Xtensa"},
};

static const char *const semihosting[] = {
    "arm",  "aarch64", "riscv32", "riscv64", "xtensa",   "xtensaeb",
    "m68k", "mips",    "mipsel",  "mips64",  "mips64el", "nios2",
};

/* What stands behind qemu-system- in the executable's name; "" if it has another. */
static const char *suffix_of(const json_t *settings)
{
	static const char prefix[] = "qemu-system-";
	const char *executable = json_member_string(settings, "executable", "");
	const char *slash = strrchr(executable, '/');
	const char *name = slash ? slash + 1 : executable;
	return text_starts_with(name, prefix) ? name + strlen(prefix) : "";
}

const char *qemu_firmware_machine(const json_t *settings)
{
	const char *suffix = suffix_of(settings);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_equal(suffix, rows[i].suffix))
			return rows[i].machines;
	return NULL;
}

bool qemu_has_semihosting(const json_t *settings)
{
	const char *suffix = suffix_of(settings);
	for (size_t i = 0; i < sizeof(semihosting) / sizeof(semihosting[0]); i++)
		if (text_equal(suffix, semihosting[i]))
			return true;
	return false;
}
