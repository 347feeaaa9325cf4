#pragma once

/* What the files of this folder share about an emulator with a driver. */

#include "core/emulators/connector.h"
#include "core/emulators/external/driver_client.h"
#include "core/emulators/external/joints.h"
#include "core/emulators/external/plan.h"
#include "core/emulators/launcher.h"

extern const struct launcher_ops external_launcher_ops;
extern const struct connector_ops external_connector_ops;

struct launcher {
	struct launch launch;
	char **driver_argv;
	char *driver_name; /* of its process */
	struct driver_client *driver;
	char *wait; /* what launcher_waits_for told last */
	unsigned capabilities;
	struct external_plan plan;
	struct joints *joints;   /* NULL before the start */
	int stdin_fd, stdout_fd; /* until the emulator has them; -1 otherwise */
	int inherit_fds[2];
	bool process_ended;     /* the emulator's */
	const char *end_reason; /* as the driver told it, static; NULL: it did not */
	void (*on_planned)(const struct error *error, void *data); /* NULL once told */
	void *planned_data;
	void (*on_started)(const struct error *error, void *data); /* likewise */
	const struct emulator_events *events;
	void *data;
};
