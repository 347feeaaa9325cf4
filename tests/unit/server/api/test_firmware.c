#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "elf_fixture.h"
#include "server/api/firmware.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static int inspect(const void *bytes, size_t length, struct firmware *firmware, struct error *error)
{
	cleanup_close int fd = memfd_create("firmware", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	return firmware_inspect(fd, firmware, error);
}

static void inspect_well(const void *bytes, size_t length, struct firmware *firmware)
{
	struct error error = {0};
	if (inspect(bytes, length, firmware, &error))
		fail_msg("%s", error.message);
}

static void refuse(const void *bytes, size_t length, const char *words)
{
	struct firmware firmware = {.kind = "untouched"};
	struct error error = {0};
	assert_int_equal(inspect(bytes, length, &firmware, &error), -ENOEXEC);
	assert_string_equal(error.code, "invalid_file");
	assert_string_equal(firmware.kind, "untouched");
	if (!strstr(error.message, words))
		fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void an_arm_file_is_told_by_its_header(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	struct firmware firmware;
	inspect_well(&elf, sizeof(elf), &firmware);
	assert_string_equal(firmware.kind, "elf32");
	assert_string_equal(firmware.machine, "ARM");
	assert_true(firmware.has_entry);
	assert_int_equal(firmware.entry, 0x411);
	assert_int_equal(firmware.size_bytes, sizeof(elf));
}

static void a_big_endian_64_bit_file_is_read_as_such(void **state)
{
	(void) state;
	Elf64_Ehdr header = {.e_type = __builtin_bswap16(ET_EXEC),
			     .e_machine = __builtin_bswap16(EM_PPC64),
			     .e_version = __builtin_bswap32(EV_CURRENT),
			     .e_ehsize = __builtin_bswap16(sizeof(Elf64_Ehdr)),
			     .e_entry = __builtin_bswap64(UINT64_C(0xffffffff81000000))};
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2MSB;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	struct firmware firmware;
	inspect_well(&header, sizeof(header), &firmware);
	assert_string_equal(firmware.kind, "elf64");
	assert_string_equal(firmware.machine, "PowerPC64");
	assert_true(firmware.entry == UINT64_C(0xffffffff81000000));
}

static void an_unknown_machine_is_told_by_its_number(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(65535);
	struct firmware firmware;
	inspect_well(&elf, sizeof(elf), &firmware);
	assert_string_equal(firmware.machine, "machine 65535");
}

static void what_is_not_elf_is_raw(void **state)
{
	(void) state;
	struct firmware firmware;
	inspect_well("\x00\x20\x00\x20", 4, &firmware);
	assert_string_equal(firmware.kind, "raw");
	assert_string_equal(firmware.machine, "");
	assert_false(firmware.has_entry);
	inspect_well("\x7f", 1, &firmware);
	assert_string_equal(firmware.kind, "raw");
}

static void an_empty_file_is_refused(void **state)
{
	(void) state;
	refuse("", 0, "empty");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_RISCV);
	for (size_t length = SELFMAG; length < sizeof(elf); length++)
		refuse(&elf, length, "cut short");
}

static void a_reason_is_named_where_there_is_one(void **state)
{
	(void) state;
	static const char nonsense[] = ELFMAG " nonsense";
	static const char words[] = "the file begins like an ELF file, but it is damaged or cut short";
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	struct firmware firmware;
	/* Whatever libelf said of the file before. */
	for (size_t length = SELFMAG; length <= sizeof(elf); length++) {
		struct error error = {0};
		inspect(&elf, length, &firmware, &error);
		assert_null(strstr(error.message, "no error"));
		assert_int_equal(inspect(nonsense, strlen(nonsense), &firmware, &error), -ENOEXEC);
		assert_string_equal(error.message, words);
	}
}

static void a_segment_that_wraps_around_is_refused(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	elf.segment.p_offset = UINT32_MAX;
	elf.segment.p_filesz = 2;
	refuse(&elf, sizeof(elf), "cut short");
	elf.segment.p_offset = 1;
	elf.segment.p_filesz = UINT32_MAX;
	refuse(&elf, sizeof(elf), "cut short");
}

static void a_segment_without_bytes_may_lie_anywhere(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	elf.segment.p_offset = 1 << 20;
	elf.segment.p_filesz = 0;
	struct firmware firmware;
	inspect_well(&elf, sizeof(elf), &firmware);
}

static void odd_program_headers_are_refused(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	elf.header.e_phentsize = 3;
	refuse(&elf, sizeof(elf), "3 bytes each");
	elf = elf32_fixture_make(EM_ARM);
	elf.header.e_phnum = 1000;
	refuse(&elf, sizeof(elf), "cut short");
	elf = elf32_fixture_make(EM_ARM);
	elf.header.e_ident[EI_CLASS] = 9;
	refuse(&elf, sizeof(elf), "damaged");
}

static void the_offset_of_the_descriptor_does_not_matter(void **state)
{
	(void) state;
	struct elf32_fixture elf = elf32_fixture_make(EM_ARM);
	cleanup_close int fd = memfd_create("firmware", MFD_CLOEXEC);
	assert_int_equal(write(fd, &elf, sizeof(elf)), sizeof(elf));
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	struct firmware firmware;
	assert_int_equal(firmware_inspect(fd, &firmware, NULL), 0);
	assert_string_equal(firmware.kind, "elf32");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
}

static void a_directory_is_refused(void **state)
{
	(void) state;
	cleanup_close int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct firmware firmware;
	struct error error = {0};
	assert_int_equal(firmware_inspect(fd, &firmware, &error), -ENOEXEC);
	assert_string_equal(error.code, "invalid_file");
}

static void machines_are_compared_by_name(void **state)
{
	(void) state;
	struct firmware arm = {.kind = "elf32", .machine = "ARM"};
	assert_int_equal(firmware_check_machine(&arm, NULL, NULL), 0);
	assert_int_equal(firmware_check_machine(&arm, "ARM", NULL), 0);
	assert_int_equal(firmware_check_machine(&arm, "AArch64,ARM", NULL), 0);
	assert_int_equal(firmware_check_machine(&arm, "AArch64, ARM", NULL), 0);
	assert_int_equal(firmware_check_machine(&arm, "ARMv9", NULL), -ENOEXEC);
	struct firmware raw = {.kind = "raw"};
	assert_int_equal(firmware_check_machine(&raw, "ARM", NULL), 0);
	struct error error = {0};
	assert_int_equal(firmware_check_machine(&arm, "RISC-V", &error), -ENOEXEC);
	assert_string_equal(error.code, "invalid_file");
	assert_non_null(strstr(error.message, "built for ARM"));
	assert_non_null(strstr(error.message, "runs RISC-V"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_arm_file_is_told_by_its_header),
	    cmocka_unit_test(a_big_endian_64_bit_file_is_read_as_such),
	    cmocka_unit_test(an_unknown_machine_is_told_by_its_number),
	    cmocka_unit_test(what_is_not_elf_is_raw),
	    cmocka_unit_test(an_empty_file_is_refused),
	    cmocka_unit_test(a_file_cut_anywhere_is_refused),
	    cmocka_unit_test(a_reason_is_named_where_there_is_one),
	    cmocka_unit_test(a_segment_that_wraps_around_is_refused),
	    cmocka_unit_test(a_segment_without_bytes_may_lie_anywhere),
	    cmocka_unit_test(odd_program_headers_are_refused),
	    cmocka_unit_test(the_offset_of_the_descriptor_does_not_matter),
	    cmocka_unit_test(a_directory_is_refused),
	    cmocka_unit_test(machines_are_compared_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
