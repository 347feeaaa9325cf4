/* A stranger's file in the hands of firmware_inspect. */

#include "server/api/firmware.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct firmware *firmware, size_t size)
{
	bool is_elf = strncmp(firmware->kind, "elf", 3) == 0;
	if (firmware->size_bytes != size || firmware->has_entry != is_elf ||
	    (firmware->machine[0] != 0) != is_elf ||
	    strnlen(firmware->machine, FIRMWARE_MACHINE_SIZE) == FIRMWARE_MACHINE_SIZE)
		abort();
	if (firmware_check_machine(firmware, firmware->machine, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("firmware", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t) size)
		abort();
	struct firmware firmware;
	struct error error = {0};
	if (firmware_inspect(fd, &firmware, &error) == 0)
		check(&firmware, size);
	else if (error.number >= 0 || !error.code || strcmp(error.code, "invalid_file") != 0 ||
		 !error.message[0])
		abort();
	return 0;
}
