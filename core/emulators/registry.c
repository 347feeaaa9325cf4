#include "core/emulators/registry.h"

#include "core/emulators/qemu/qemu.h"

#include <string.h>

const struct emulator *const emulator_registry[] = {&qemu_emulator, NULL};

static const struct config_emulator *const config_rows[] = {&qemu_config, NULL};

const struct emulator *emulator_find(const char *name)
{
	for (const struct emulator *const *row = emulator_registry; *row; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}

const struct config_emulator *const *emulator_config_rows(void)
{
	return config_rows;
}
