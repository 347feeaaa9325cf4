#pragma once

/* What the files of an instance share: instance.c (its life), instance_status.c (what is told of it). */

#include "core/base/clock.h"
#include "core/shim/crew.h"
#include "core/shim/ending.h"
#include "core/shim/instance.h"

#include <limits.h>

enum state { STATE_STARTING, STATE_RUNNING, STATE_PAUSED, STATE_STOPPING, STATE_EXITED, STATE_FAILED };

struct instance {
	struct loop *loop;
	struct log *log;
	struct spec spec;
	int dirfd, firmware_fd;
	int files_fd; /* the guest's own directory; -1: it has none */
	/* Of a prestarted one: where the firmware is copied when it is known (-1: it is none), and what the
	 * launcher was made with. */
	int image_fd;
	struct spec prestart_spec;
	const struct instance_events *events;
	void *data;

	int64_t input_step; /* the first that was not taken yet */
	enum state state;
	bool paused_by_disk, pausing_for_disk;
	char started_at[CLOCK_RFC3339_SIZE], ended_at[CLOCK_RFC3339_SIZE];
	json_t *exit, *command;
	struct ending ending;
	bool control_open; /* the launcher was started and has not lost its emulator */

	char state_dir[PATH_MAX];
	char *environment[2];
	struct handles *handles;
	const struct emulator *emulator;
	struct launcher *launcher;
	struct adopted *adopted; /* adoption.c's; NULL: nothing is */
	struct channels *channels;
	struct console_guard *guard;
	struct confinement *confinement;
	struct cgroup *cgroup; /* NULL: there are none here */
	struct crew *crew;
	struct loop_timer *deadline; /* of the start, then of the stop */
	struct loop_deferred *finishing;
	void (*on_closing)(void *data);
	void *closing_data;
};

/* ---- the steps of a start that an adoption and a prestart share (instance.c) ---- */

extern const struct emulator_events instance_emulator_events;
/* emulation.c */
const char *instance_working_directory(const struct instance *instance); /* of its processes */
int instance_open_files(struct instance *instance,
			struct error *error); /* where the spec asks for semihosting */
int instance_make_launcher(struct instance *instance, struct error *error);
int instance_execute_emulator(struct instance *instance, pid_t *ret_pid, struct error *error);

int instance_make_channels(struct instance *instance, struct error *error);
int instance_take_identity(struct instance *instance, struct error *error); /* identity.c */
struct crew_options instance_crew_options(struct instance *instance);
int instance_start_helpers(struct instance *instance, const json_t *commands, struct error *error);
int instance_begin_emulation(struct instance *instance, pid_t pid, struct error *error);
void instance_enter_live(struct instance *instance, bool paused);
void instance_fail_start(struct instance *instance, const struct error *error);
