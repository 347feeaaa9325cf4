#include "server/api/firmware.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	unsigned number; /* e_machine */
	const char *name;
} machines[] = {
    {EM_386, "x86"},
    {EM_X86_64, "x86-64"},
    {EM_ARM, "ARM"},
    {EM_AARCH64, "AArch64"},
    {EM_RISCV, "RISC-V"},
    {EM_AVR, "AVR"},
    {EM_XTENSA, "Xtensa"},
    {EM_MIPS, "MIPS"},
    {EM_PPC, "PowerPC"},
    {EM_PPC64, "PowerPC64"},
    {EM_SPARC, "SPARC"},
    {EM_SPARCV9, "SPARC64"},
    {EM_68K, "m68k"},
    {EM_MICROBLAZE, "MicroBlaze"},
    {EM_ALTERA_NIOS2, "Nios II"},
    {EM_OPENRISC, "OpenRISC"},
    {EM_TRICORE, "TriCore"},
    {EM_RX, "RX"},
    {EM_SH, "SuperH"},
    {EM_S390, "S390"},
    {EM_LOONGARCH, "LoongArch"},
    {EM_PARISC, "PA-RISC"},
    {EM_ALPHA, "Alpha"},
    {EM_CRIS, "CRIS"},
    {EM_ARC, "ARC"},
    {EM_MSP430, "MSP430"},
};

static void name_machine(unsigned number, char out[static FIRMWARE_MACHINE_SIZE])
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].number == number) {
			snprintf(out, FIRMWARE_MACHINE_SIZE, "%s", machines[i].name);
			return;
		}
	}
	snprintf(out, FIRMWARE_MACHINE_SIZE, "machine %u", number);
}

static int invalid_elf(struct error *error)
{
	/* libelf has no error of its own where it takes the file for none of its kinds. */
	int reason = elf_errno();
	return error_set(error, -ENOEXEC, "invalid_file",
			 "the file begins like an ELF file, but it is damaged or cut short%s%s%s",
			 reason ? " (" : "", reason ? elf_errmsg(reason) : "", reason ? ")" : "");
}

/* What is loaded must lie inside the file. */
static int check_segments(Elf *elf, size_t expected_count, uint64_t size, struct error *error)
{
	size_t count;
	if (elf_getphdrnum(elf, &count))
		return invalid_elf(error);
	/* libelf counts only those that the file has room for. */
	if (count != expected_count)
		return error_set(
		    error, -ENOEXEC, "invalid_file",
		    "the ELF file is cut short within its program headers; upload or build it again");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(elf, (int) i, &header))
			return invalid_elf(error);
		if (header.p_type == PT_NULL || header.p_filesz == 0)
			continue;
		if (header.p_offset > size || header.p_filesz > size - header.p_offset)
			return error_set(error, -ENOEXEC, "invalid_file",
					 "the ELF file is cut short: its segment %zu has %" PRIu64
					 " bytes at offset %" PRIu64 ", but the file ends at %" PRIu64
					 "; upload or build it again",
					 i, header.p_filesz, header.p_offset, size);
	}
	return 0;
}

static int inspect_elf(Elf *elf, struct firmware *firmware, struct error *error)
{
	GElf_Ehdr header;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return invalid_elf(error);
	/* libelf takes the size of a program header for granted. */
	size_t program_header_size = gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT);
	if (header.e_phnum && header.e_phentsize != program_header_size)
		return error_set(
		    error, -ENOEXEC, "invalid_file",
		    "the ELF file is damaged: its program headers have %u bytes each instead of %zu",
		    header.e_phentsize, program_header_size);
	firmware->kind = gelf_getclass(elf) == ELFCLASS64 ? "elf64" : "elf32";
	name_machine(header.e_machine, firmware->machine);
	firmware->has_entry = true;
	firmware->entry = header.e_entry;
	return check_segments(elf, header.e_phnum, firmware->size_bytes, error);
}

int firmware_inspect(int fd, struct firmware *ret_firmware, struct error *error)
{
	struct stat status;
	if (fstat(fd, &status))
		return error_set_errno(error, -errno, "invalid_file", "the file cannot be read");
	if (!S_ISREG(status.st_mode))
		return error_set(error, -ENOEXEC, "invalid_file", "it is not a regular file");
	if (status.st_size == 0)
		return error_set(error, -ENOEXEC, "invalid_file", "the file is empty");
	struct firmware firmware = {.kind = "raw", .size_bytes = (uint64_t) status.st_size};
	char magic[SELFMAG] = "";
	if (pread(fd, magic, sizeof(magic), 0) < 0)
		return error_set_errno(error, -errno, "invalid_file", "the file cannot be read");
	if (memcmp(magic, ELFMAG, SELFMAG) != 0) {
		*ret_firmware = firmware;
		return 0;
	}
	elf_version(EV_CURRENT);
	/* By reading, not by mapping: a file that is cut under a mapping kills the reader. */
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return invalid_elf(error);
	int number = inspect_elf(elf, &firmware, error);
	elf_end(elf);
	if (!number)
		*ret_firmware = firmware;
	return number;
}

int firmware_check_machine(const struct firmware *firmware, const char *expected, struct error *error)
{
	if (!expected || !firmware->machine[0])
		return 0;
	size_t length = strlen(firmware->machine);
	for (const char *name = expected; *name; name += strspn(name, ", ")) {
		size_t name_length = strcspn(name, ",");
		if (name_length == length && memcmp(name, firmware->machine, length) == 0)
			return 0;
		name += name_length;
	}
	return error_set(
	    error, -ENOEXEC, "invalid_file",
	    "the file was built for %s, but the target runs %s: build it for the target, or choose "
	    "another target",
	    firmware->machine, expected);
}
