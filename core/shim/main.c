/*
 * emud-shim: one start of one instance. Started by emud with the listening control socket as descriptor 3,
 * the state directory as 4 and, where there is a firmware, the firmware as 5. Ends when its emulator has
 * ended.
 */

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/handles/spec.h"
#include "core/loop/loop.h"
#include "core/process/sweep.h"
#include "core/shim/control.h"
#include "core/shim/descriptors.h"
#include "core/shim/instance.h"

#include <fcntl.h>
#include <signal.h>

struct shim {
	struct loop *loop;
	struct log *log;
	struct spec spec;
	int64_t start_number; /* 0: spec.json could not be read */
	struct instance *instance;
	struct control *control;
	struct loop_signal *on_terminate;
};

static void on_change(void *data)
{
	struct shim *shim = data;
	if (shim->control)
		control_publish(shim->control);
}

static void on_quiet(void *data)
{
	struct shim *shim = data;
	loop_stop(shim->loop);
}

static void on_ended(void *data)
{
	struct shim *shim = data;
	if (shim->control)
		control_finish(shim->control, on_quiet, shim);
	else
		loop_stop(shim->loop);
}

static const struct instance_events instance_events = {.on_change = on_change, .on_ended = on_ended};

static void on_terminate(int signal_number, void *data)
{
	(void) signal_number;
	struct shim *shim = data;
	instance_stop(shim->instance);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int claim_descriptors(struct error *error)
{
	if (!is_open(SHIM_CONTROL_FD) || !is_open(SHIM_STATE_FD))
		return error_set(
		    error, -EBADF, NULL,
		    "emud-shim is started by emud, with its control socket and state directory open");
	for (int fd = SHIM_CONTROL_FD; fd <= SHIM_FIRMWARE_FD; fd++)
		if (is_open(fd) && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return error_set_errno(error, -errno, NULL, "descriptor %d", fd);
	return 0;
}

/* A start that cannot even begin leaves its reason where emud looks. */
static void record_failure(int64_t start_number, const struct error *error)
{
	char now[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), now);
	cleanup_json json_t *status =
	    json_pack("{s:I, s:s, s:s, s:s, s:{s:n, s:n, s:s, s:s}}", "start_number",
		      (json_int_t) start_number, "state", "failed", "started_at", now, "ended_at", now,
		      "exit", "code", "signal", "reason", "start_failed", "detail", error->message);
	exit_record_write(SHIM_STATE_FD, status, NULL);
}

static int set_up(struct shim *shim, struct error *error)
{
	/* Asked before anything else is opened, which would take the number. */
	int firmware_fd = is_open(SHIM_FIRMWARE_FD) ? SHIM_FIRMWARE_FD : -1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	int result = claim_descriptors(error);
	if (!result)
		result = spec_read(SHIM_STATE_FD, &shim->spec, error);
	if (!result)
		result = sweep_become_subreaper(error);
	shim->start_number = shim->spec.start_number;
	if (result < 0)
		return result;
	shim->loop = loop_create(error);
	if (!shim->loop)
		return error->number;
	shim->on_terminate = loop_signal_create(shim->loop, SIGTERM, on_terminate, shim, error);
	if (!shim->on_terminate)
		return error->number;
	shim->instance = instance_create(shim->loop, shim->log, &shim->spec, SHIM_STATE_FD, firmware_fd,
					 &instance_events, shim, error);
	if (!shim->instance)
		return error->number;
	shim->control = control_create(shim->loop, SHIM_CONTROL_FD, shim->instance, error);
	return shim->control ? 0 : error->number;
}

static void tear_down(struct shim *shim)
{
	control_destroy(shim->control);
	instance_destroy(shim->instance);
	spec_finish(&shim->spec);
	loop_signal_destroy(shim->on_terminate);
	loop_destroy(shim->loop);
	log_destroy(shim->log);
}

int main(void)
{
	struct shim shim = {.log = log_create(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_KEY_VALUE)};
	struct error error;
	int result = set_up(&shim, &error);
	if (!result) {
		instance_start(shim.instance);
		loop_run(shim.loop);
	} else {
		log_event(shim.log, LOG_LEVEL_ERROR, "shim.failed", "detail", error.message, NULL);
		if (shim.start_number)
			record_failure(shim.start_number, &error);
	}
	tear_down(&shim);
	return result < 0 ? 1 : 0;
}
