#pragma once

/* Small ELF files for tests, made of one header, one program header and a few bytes to load. */

#include <elf.h>
#include <stdint.h>
#include <string.h>

struct elf32_fixture {
	Elf32_Ehdr header;
	Elf32_Phdr segment;
	char code[16];
};

static inline struct elf32_fixture elf32_fixture_make(unsigned machine)
{
	struct elf32_fixture elf = {
	    .header = {.e_type = ET_EXEC,
		       .e_machine = (Elf32_Half) machine,
		       .e_version = EV_CURRENT,
		       .e_entry = 0x411,
		       .e_phoff = sizeof(Elf32_Ehdr),
		       .e_ehsize = sizeof(Elf32_Ehdr),
		       .e_phentsize = sizeof(Elf32_Phdr),
		       .e_phnum = 1},
	    .segment = {.p_type = PT_LOAD,
			.p_offset = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.p_filesz = 16,
			.p_memsz = 16},
	};
	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS32;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_ident[EI_VERSION] = EV_CURRENT;
	return elf;
}
