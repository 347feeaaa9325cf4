#include "core/shim/instance.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_guard.h"
#include "core/emulators/registry.h"
#include "core/process/cgroup.h"
#include "core/process/sweep.h"
#include "core/shim/adoption.h"
#include "core/shim/archive.h"
#include "core/shim/channels.h"
#include "core/shim/crew.h"
#include "core/shim/ending.h"
#include "core/shim/helpers.h"
#include "core/shim/instance_internal.h"
#include "core/shim/prestart.h"
#include "core/shim/sandbox.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

enum {
	/* How long an emulator that has closed its control connection may take to end by itself. */
	CONTROL_LOST_GRACE_MS = 1000,
	ACTION_TIMEOUT_MS = 10000,
};

/* ---- the end ---- */

static void finalize(void *data)
{
	struct instance *instance = data;
	instance->finishing = NULL;
	if (instance->on_closing)
		instance->on_closing(instance->closing_data);
	if (instance->cgroup)
		cgroup_kill(instance->cgroup);
	sweep_descendants();
	cgroup_destroy(TAKE(instance->cgroup));
	char log_name[300];
	snprintf(log_name, sizeof(log_name), "%s.log", instance->spec.emulator);
	if (instance->launcher && instance->ending.exited && instance->emulator->launcher->end_reason)
		instance->ending.launcher_reason =
		    instance->emulator->launcher->end_reason(instance->launcher, &instance->ending.status);
	if (instance->spec.adopt)
		instance->ending.launcher_reason = "terminated"; /* its parent alone knows better */
	instance->exit = ending_describe(&instance->ending, instance->dirfd, log_name);
	crew_set_guard(instance->crew, NULL);
	console_guard_destroy(TAKE(instance->guard));
	channels_destroy(TAKE(instance->channels));
	/* Its files go now: later ones of their names are the next start's. */
	if (instance->launcher)
		instance->emulator->launcher->destroy(TAKE(instance->launcher));
	adoption_end(instance);
	handles_make_bare(instance->handles);
	handles_remove(instance->dirfd);
	bool failed = ending_is_failure(json_member_string(instance->exit, "reason", ""));
	instance->state = failed ? STATE_FAILED : STATE_EXITED;
	clock_format_rfc3339(clock_wall_ms(), instance->ended_at);
	cleanup_json json_t *status = instance_status(instance);
	struct error error;
	if (exit_record_write(instance->dirfd, status, &error) < 0)
		log_event(instance->log, LOG_LEVEL_ERROR, "exit.unrecorded", "detail", error.message, NULL);
	/* Before the end is told: the next start binds another in its place. */
	unlinkat(instance->dirfd, "control.sock", 0);
	instance->events->on_change(instance->data);
	instance->events->on_ended(instance->data);
}

/* Goes on with the end as far as it can: the emulator first, then its helpers. */
static void advance_end(struct instance *instance)
{
	if (crew_count(instance->crew) > 0 || instance->control_open || instance->finishing)
		return;
	loop_timer_stop(instance->deadline);
	instance->finishing = loop_defer(instance->loop, finalize, instance, NULL);
}

static void on_quit_done(const struct error *error, const json_t *result, void *data)
{
	(void) error;
	(void) result;
	(void) data;
}

/* QEMU 7.2 can lose a SIGTERM that falls among stop, reset and cont: it is asked by its own means as well. */
static void ask_to_quit(struct instance *instance)
{
	const struct connector_ops *connector = instance->emulator->connector;
	bool reachable = instance->control_open || (instance->spec.adopt && instance->launcher);
	if (connector->quit && reachable && !instance->ending.exited)
		connector->quit(instance->launcher, instance->spec.limits.stop_timeout_ms, on_quit_done,
				instance);
}

static void begin_end(struct instance *instance)
{
	if (instance->state >= STATE_STOPPING)
		return;
	instance->state = STATE_STOPPING;
	instance->events->on_change(instance->data);
	/* What was not started here ends here only when that is asked for. */
	if (instance->spec.adopt && !instance->ending.stop_asked)
		crew_let_go(instance->crew);
	if (crew_count(instance->crew) > 0) {
		crew_signal(instance->crew, SIGTERM);
		ask_to_quit(instance);
		loop_timer_start(instance->deadline, instance->spec.limits.stop_timeout_ms);
	}
	advance_end(instance);
}

static void note_start_error(struct instance *instance, const struct error *error)
{
	if (!instance->ending.start_error[0])
		snprintf(instance->ending.start_error, sizeof(instance->ending.start_error), "%s",
			 error->message);
}

void instance_fail_start(struct instance *instance, const struct error *error)
{
	note_start_error(instance, error);
	instance->ending.start_was_given_up = true;
	begin_end(instance);
}

static void note_start_timeout(struct instance *instance)
{
	const struct launcher_ops *ops = instance->emulator->launcher;
	const char *wait = ops->waits_for && instance->launcher ? ops->waits_for(instance->launcher) : NULL;
	struct error error;
	error_set(&error, -ETIMEDOUT, NULL, "the emulator did not start within %llu ms%s%s",
		  (unsigned long long) instance->spec.limits.start_timeout_ms, wait ? ": " : "",
		  wait ? wait : "");
	note_start_error(instance, &error);
	instance->ending.start_was_given_up = true;
}

static void on_deadline(void *data)
{
	struct instance *instance = data;
	if (instance->state == STATE_STOPPING) {
		instance->ending.killed = !instance->ending.exited;
		instance->control_open = false;
		crew_signal(instance->crew, SIGKILL);
		advance_end(instance);
		return;
	}
	if (instance->ending.exited) {
		/* Something it has left behind holds its connection open. */
		instance->control_open = false;
	} else if (instance->state == STATE_STARTING) {
		note_start_timeout(instance);
	}
	begin_end(instance);
}

static void on_process_exit(const char *name, const struct process_end *end, void *data)
{
	struct instance *instance = data;
	const struct launcher_ops *ops = instance->emulator->launcher;
	if (ops->process_ended && instance->launcher)
		ops->process_ended(instance->launcher, name, end);
	if (!text_equal(name, instance->spec.emulator)) {
		if (instance->state < STATE_STOPPING)
			instance->events->on_change(instance->data);
		else
			advance_end(instance);
		return;
	}
	instance->ending.exited = true;
	instance->ending.status = *end;
	if (instance->state >= STATE_STOPPING)
		advance_end(instance);
	else if (instance->control_open)
		/* What it said last is still to be read; its end of file follows. */
		loop_timer_start(instance->deadline, CONTROL_LOST_GRACE_MS);
	else
		begin_end(instance);
}

static void on_control_lost(const struct error *error, void *data)
{
	struct instance *instance = data;
	(void) error;
	instance->control_open = false;
	if (instance->state >= STATE_STOPPING)
		advance_end(instance);
	else if (instance->ending.exited)
		begin_end(instance);
	else
		loop_timer_start(instance->deadline, CONTROL_LOST_GRACE_MS);
}

/* ---- the life ---- */

static void on_paused(void *data)
{
	struct instance *instance = data;
	if (instance->state != STATE_RUNNING)
		return;
	instance->state = STATE_PAUSED;
	instance->paused_by_disk = instance->pausing_for_disk;
	instance->events->on_change(instance->data);
}

static void on_running(void *data)
{
	struct instance *instance = data;
	if (instance->state != STATE_PAUSED)
		return;
	instance->state = STATE_RUNNING;
	instance->paused_by_disk = false;
	instance->events->on_change(instance->data);
}

static void on_disk_pause_done(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	struct instance *instance = data;
	instance->pausing_for_disk = false;
	if (error)
		log_event(instance->log, LOG_LEVEL_ERROR, "disk.pause_failed", "detail", error->message,
			  NULL);
}

static void on_disk_full(void *data)
{
	struct instance *instance = data;
	log_event(instance->log, LOG_LEVEL_WARNING, "disk.full", "instance", instance->spec.id, NULL);
	if (instance->state != STATE_RUNNING || instance->pausing_for_disk)
		return;
	instance->pausing_for_disk = true;
	instance->emulator->connector->pause(instance->launcher, ACTION_TIMEOUT_MS, on_disk_pause_done,
					     instance);
}

static void on_disk_freed(void *data)
{
	struct instance *instance = data;
	if (instance->state == STATE_PAUSED && instance->paused_by_disk)
		instance->emulator->connector->resume(instance->launcher, ACTION_TIMEOUT_MS,
						      on_disk_pause_done, instance);
}

static void on_guard_warning(const char *message, void *data)
{
	struct instance *instance = data;
	log_event(instance->log, LOG_LEVEL_WARNING, "console.guard", "instance", instance->spec.id, "detail",
		  message, NULL);
}

static const struct console_guard_events guard_events = {
    .on_disk_full = on_disk_full,
    .on_disk_freed = on_disk_freed,
    .on_warning = on_guard_warning,
};

/* ---- the start ---- */

int instance_start_helpers(struct instance *instance, const json_t *commands, struct error *error)
{
	const struct helpers_context context = {
	    .state_dir = instance->state_dir,
	    .channels = instance->channels,
	    .confinement = instance->confinement,
	};
	return helpers_start(instance->crew, commands, &context, error);
}

/* The helpers that come after the start, and the handles once more with them. */
static int start_post_helpers(struct instance *instance, struct error *error)
{
	if (json_array_size(instance->spec.post_start) == 0)
		return 0;
	int result = instance_start_helpers(instance, instance->spec.post_start, error);
	return result ? result : handles_save(instance->handles, instance->dirfd, error);
}

void instance_enter_live(struct instance *instance, bool paused)
{
	instance->ending.went_live = true;
	loop_timer_stop(instance->deadline);
	instance->state = paused ? STATE_PAUSED : STATE_RUNNING;
	instance->events->on_change(instance->data);
	if (console_guard_is_disk_full(instance->guard))
		on_disk_full(instance);
}

static void on_started(const struct error *failure, void *data)
{
	struct instance *instance = data;
	if (failure && !text_equal(failure->code, "not_running")) {
		instance->control_open = false;
		instance_fail_start(instance, failure);
		advance_end(instance);
		return;
	}
	if (failure) {
		note_start_error(instance, failure);
		on_control_lost(failure, instance);
		return;
	}
	if (instance->state != STATE_STARTING)
		return;
	struct error error;
	if (start_post_helpers(instance, &error) < 0)
		instance_fail_start(instance, &error);
	else
		instance_enter_live(instance, instance->spec.paused);
}

const struct emulator_events instance_emulator_events = {
    .on_paused = on_paused,
    .on_running = on_running,
    .on_lost = on_control_lost,
};

struct guard_context {
	struct instance *instance;
	struct error *error;
	int result;
};

static void guard_console(struct console *console, void *data)
{
	struct guard_context *context = data;
	if (!context->result)
		context->result =
		    console_guard_add(context->instance->guard, console_output_fd(console),
				      (int64_t) context->instance->spec.limits.console_bytes, context->error);
}

static int connect_channel(const char *name, void *data, struct error *error)
{
	struct instance *instance = data;
	if (instance->adopted)
		return adoption_connect(instance, name, error);
	return instance->emulator->launcher->connect(instance->launcher, name, error);
}

static void on_channel_left(const char *name, void *data)
{
	struct instance *instance = data;
	if (instance->launcher && instance->emulator->launcher->left)
		instance->emulator->launcher->left(instance->launcher, name);
}

/* Of the consoles, once these are made, and of what its processes log, from now on. */
static int make_guard(struct instance *instance, struct error *error)
{
	if (instance->guard)
		return 0;
	instance->guard =
	    console_guard_create(instance->loop, instance->dirfd, instance->spec.limits.free_bytes,
				 &guard_events, instance, error);
	if (!instance->guard)
		return error->number;
	if (instance->files_fd >= 0)
		console_guard_add_directory(instance->guard, instance->files_fd);
	crew_set_guard(instance->crew, instance->guard);
	return 0;
}

int instance_make_channels(struct instance *instance, struct error *error)
{
	size_t count;
	const struct channel_plan *plan = instance->emulator->launcher->channels(instance->launcher, &count);
	const struct channels_options options = {
	    .loop = instance->loop,
	    .dirfd = instance->dirfd,
	    .plan = plan,
	    .count = count,
	    .raw = instance->spec.raw_channels,
	    .foreign = adoption_endpoints(instance),
	    .connect = connect_channel,
	    .on_left = on_channel_left,
	    .data = instance,
	};
	instance->channels = channels_create(&options, instance->handles, error);
	if (!instance->channels)
		return error->number;
	int result = make_guard(instance, error);
	if (result < 0)
		return result;
	struct guard_context context = {.instance = instance, .error = error};
	channels_each_console(instance->channels, guard_console, &context);
	return context.result;
}

int instance_begin_emulation(struct instance *instance, pid_t pid, struct error *error)
{
	instance->control_open = true;
	instance->emulator->launcher->start(instance->launcher, pid, on_started, &instance_emulator_events,
					    instance);
	/* While the emulator loads: nobody who waits for the start waits for this. */
	return handles_save(instance->handles, instance->dirfd, error);
}

/* Helpers are told the channels, and semihosting's console is the emulator's from its first instruction on;
 * without either, the emulator loads while these are made. */
static int start_processes(struct instance *instance, struct error *error)
{
	const struct spec *spec = &instance->spec;
	const struct launcher_ops *ops = instance->emulator->launcher;
	bool is_early = ops->waits_for_start && json_array_size(spec->pre_start) == 0 && !spec->semihosting;
	struct error ignored;
	pid_t pid;
	int result = is_early ? instance_execute_emulator(instance, &pid, error) : 0;
	int made = instance_make_channels(instance, result ? &ignored : error);
	if (!is_early && !made)
		made = instance_start_helpers(instance, spec->pre_start, error);
	if (!is_early && !made)
		result = instance_execute_emulator(instance, &pid, error);
	if (result || made)
		return result ? result : made;
	return instance_begin_emulation(instance, pid, error);
}

static void on_planned(const struct error *failure, void *data)
{
	struct instance *instance = data;
	struct error error;
	if (instance->state != STATE_STARTING)
		return;
	if (failure)
		instance_fail_start(instance, failure);
	else if (start_processes(instance, &error) < 0)
		instance_fail_start(instance, &error);
}

static int try_start(struct instance *instance, struct error *error)
{
	const struct spec *spec = &instance->spec;
	const struct launcher_ops *ops = instance->emulator->launcher;
	int result =
	    archive_earlier_start(instance->dirfd, spec->start_number, spec->limits.kept_starts, error);
	if (result)
		return result;
	result = instance_open_files(instance, error);
	if (result)
		return result;
	instance->confinement =
	    sandbox_create(spec, instance->state_dir, instance->files_fd, instance->firmware_fd, error);
	result = instance->confinement ? instance_make_launcher(instance, error) : error->number;
	if (result)
		return result;
	loop_timer_start(instance->deadline, spec->limits.start_timeout_ms);
	if (!ops->plan)
		return start_processes(instance, error);
	result = make_guard(instance, error);
	if (result < 0)
		return result;
	ops->plan(instance->launcher, on_planned, instance);
	return 0;
}

void instance_start(struct instance *instance)
{
	struct error error;
	instance->events->on_change(instance->data);
	int result = instance->spec.prestart ? prestart_begin(instance, &error)
		     : instance->spec.adopt  ? adoption_begin(instance, &error)
					     : try_start(instance, &error);
	if (result < 0)
		instance_fail_start(instance, &error);
}

void instance_stop(struct instance *instance)
{
	if (instance->state >= STATE_STOPPING)
		return;
	instance->ending.stop_asked = true;
	begin_end(instance);
}

/* ---- making and unmaking ---- */

struct crew_options instance_crew_options(struct instance *instance)
{
	return (struct crew_options){
	    .loop = instance->loop,
	    .dirfd = instance->dirfd,
	    .directory = instance_working_directory(instance),
	    .environment = instance_environment(instance),
	    .handles = instance->handles,
	    .cgroup = instance->cgroup,
	    .on_exit = on_process_exit,
	    .data = instance,
	};
}

static int make_parts(struct instance *instance, struct error *error)
{
	const struct spec *spec = &instance->spec;
	instance->emulator = emulator_find(spec->emulator);
	if (!instance->emulator)
		return error_set(error, -ENOENT, "emulator_unavailable",
				 "%s is not an emulator of this build", spec->emulator);
	int result = instance_take_identity(instance, error);
	if (result < 0)
		return result;
	instance->environment[0] = text_format("EMUD_COOKIE=%s", spec->cookie);
	instance->deadline = loop_timer_create(instance->loop, on_deadline, instance, error);
	if (!instance->environment[0] || !instance->deadline)
		return error_set(error, -ENOMEM, NULL, "no memory");
	const struct crew_options crew = instance_crew_options(instance);
	instance->crew = crew_create(&crew, error);
	return instance->crew ? 0 : error->number;
}

struct instance *instance_create(struct loop *loop, struct log *log, struct spec *spec, int dirfd,
				 int firmware_fd, const struct instance_events *events, void *data,
				 struct error *error)
{
	struct instance *instance = calloc(1, sizeof(*instance));
	if (!instance) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	instance->loop = loop;
	instance->log = log;
	instance->spec = *spec;
	*spec = (struct spec){0};
	instance->dirfd = dirfd;
	instance->firmware_fd = firmware_fd;
	instance->image_fd = instance->files_fd = -1;
	instance->events = events;
	instance->data = data;
	if (make_parts(instance, error) == 0)
		return instance;
	instance_destroy(instance);
	return NULL;
}

void instance_destroy(struct instance *instance)
{
	if (!instance)
		return;
	loop_deferred_cancel(instance->finishing);
	loop_timer_destroy(instance->deadline);
	if (instance->launcher)
		instance->emulator->launcher->destroy(instance->launcher);
	adoption_end(instance);
	crew_destroy(instance->crew);
	cgroup_destroy(instance->cgroup);
	console_guard_destroy(instance->guard);
	channels_destroy(instance->channels);
	confinement_destroy(instance->confinement);
	handles_destroy(instance->handles);
	json_decref(instance->exit);
	json_decref(instance->command);
	spec_finish(&instance->spec);
	free(instance->environment[0]);
	cleanup_close_descriptor(&instance->files_fd);
	prestart_end(instance);
	free(instance);
}
