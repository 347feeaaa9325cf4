#pragma once

/* What the files of this folder share about a running QEMU. */

#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"
#include "core/emulators/qemu/adopt.h"
#include "core/emulators/qemu/qmp_client.h"

extern const struct launcher_ops qemu_launcher_ops;
extern const struct connector_ops qemu_connector_ops;

/* How often the guest was set running. */
unsigned qemu_launcher_resumes(const struct launcher *launcher);

/* NULL before prepare, and of an adopted one. */
struct qmp_client *qemu_launcher_client(struct launcher *launcher);

/* NULL: it is not adopted. */
struct qemu_adoption *qemu_launcher_adoption(const struct launcher *launcher);
