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

const char *qemu_firmware_machine(const json_t *settings)
{
	static const char prefix[] = "qemu-system-";
	const char *executable = json_member_string(settings, "executable", "");
	const char *slash = strrchr(executable, '/');
	const char *name = slash ? slash + 1 : executable;
	if (!text_starts_with(name, prefix))
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_equal(name + strlen(prefix), rows[i].suffix))
			return rows[i].machines;
	return NULL;
}
