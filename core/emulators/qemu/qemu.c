#include "core/emulators/qemu/qemu.h"

#include "core/emulators/qemu/executable.h"
#include "core/emulators/qemu/launcher_qemu.h"
#include "core/emulators/qemu/machine.h"

static const char *const version_command[] = {"qemu-system-arm", "--version", NULL};

const struct emulator qemu_emulator = {
    .name = "qemu",
    .config = &qemu_config,
    .launcher = &qemu_launcher_ops,
    .connector = &qemu_connector_ops,
    .unavailable = qemu_executable_unavailable,
    .firmware_machine = qemu_firmware_machine,
    .version_command = version_command,
};
