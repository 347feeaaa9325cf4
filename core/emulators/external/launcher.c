#include "core/emulators/external/launcher_external.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <signal.h>
#include <sys/socket.h>

enum {
	/* A last resort: whoever starts an instance has a shorter limit of his own. */
	START_TIMEOUT_MS = 10 * 60 * 1000,
	LAST_WORDS_BYTES = 500,
};

static void close_handed_down(struct launcher *launcher)
{
	cleanup_close_descriptor(&launcher->stdin_fd);
	cleanup_close_descriptor(&launcher->stdout_fd);
	launcher->stdin_fd = launcher->stdout_fd = -1;
}

static void launcher_destroy(struct launcher *launcher)
{
	if (!launcher)
		return;
	launcher->on_planned = NULL;
	launcher->on_started = NULL;
	driver_client_destroy(launcher->driver);
	joints_destroy(launcher->joints);
	close_handed_down(launcher);
	for (size_t i = 0; i < launcher->plan.count; i++)
		if (launcher->plan.offers[i].socket)
			unlinkat(launcher->launch.state_dirfd, launcher->plan.offers[i].socket, 0);
	external_plan_finish(&launcher->plan);
	text_vector_free(launcher->driver_argv);
	free(launcher->driver_name);
	free(launcher->wait);
	free(launcher);
}

static struct launcher *launcher_create(const struct launch *launch, struct error *error)
{
	const json_t *driver = json_object_get(launch->settings, "driver");
	if (!json_array_size(driver)) {
		error_set(error, -EINVAL, "emulator_unavailable",
			  "%s is not an emulator of this build, and the settings name no driver for it",
			  launch->emulator);
		return NULL;
	}
	struct launcher *launcher = calloc(1, sizeof(*launcher));
	if (launcher) {
		*launcher = (struct launcher){.launch = *launch, .stdin_fd = -1, .stdout_fd = -1};
		launcher->inherit_fds[0] = launch->firmware_fd;
		launcher->inherit_fds[1] = -1;
		launcher->driver_argv = json_to_text_vector(driver);
		launcher->driver_name = text_format("%s-driver", launch->emulator);
	}
	if (launcher && launcher->driver_argv && launcher->driver_name)
		return launcher;
	launcher_destroy(launcher);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

/* ---- the plan ---- */

/* Completes the plan, once. */
static void finish_plan(struct launcher *launcher, const struct error *error)
{
	if (launcher->on_planned)
		TAKE(launcher->on_planned)(error, launcher->planned_data);
}

/* Says who it was. Returns error->number. */
static int blame_driver(const struct launcher *launcher, struct error *error)
{
	struct error told;
	error_set(&told, error->number, "emulator_error", "the driver of %s %s", launcher->launch.emulator,
		  error->message);
	*error = told;
	return error->number;
}

static void on_plan(const struct error *failure, const json_t *result, void *data)
{
	struct launcher *launcher = data;
	const json_t *section = json_object_get(launcher->launch.settings, "section");
	struct error error;
	if (!launcher->on_planned)
		return;
	if (!failure &&
	    external_plan_parse(result, json_object_get(section, "channels"), &launcher->plan, &error) < 0) {
		blame_driver(launcher, &error);
		failure = &error;
	}
	finish_plan(launcher, failure);
}

static json_t *describe_launch(const struct launch *launch)
{
	char firmware[64];
	snprintf(firmware, sizeof(firmware), "/proc/self/fd/%d", launch->firmware_fd);
	json_t *args = launch->args ? json_from_text_vector(launch->args) : json_array();
	return json_pack("{s:s, s:s, s:O, s:s, s:s?, s:o, s:b, s:b}", "emulator", launch->emulator, "target",
			 launch->target, "settings", json_object_get(launch->settings, "section"),
			 "state_dir", launch->state_dir, "firmware",
			 launch->firmware_fd >= 0 ? firmware : NULL, "args", args, "paused", launch->paused,
			 "debug", launch->debug);
}

static int check_capabilities(const struct launcher *launcher, struct error *error)
{
	if (launcher->launch.paused && !(launcher->capabilities & DRIVER_CAN_RESUME))
		return error_set(error, -EOPNOTSUPP, "not_implemented",
				 "the driver of %s cannot resume, so nothing can be started paused",
				 launcher->launch.emulator);
	return 0;
}

static void on_hello(const struct error *failure, const json_t *result, void *data)
{
	struct launcher *launcher = data;
	struct error error;
	if (!launcher->on_planned)
		return;
	if (!failure && driver_hello_parse(result, &launcher->capabilities, &error) < 0) {
		blame_driver(launcher, &error);
		failure = &error;
	}
	if (!failure && check_capabilities(launcher, &error) < 0)
		failure = &error;
	cleanup_json json_t *arguments = failure ? NULL : describe_launch(&launcher->launch);
	if (!failure && !arguments) {
		error_set(&error, -EILSEQ, "invalid_value",
			  "the state directory's path is not UTF-8 text, so no driver can be told of it");
		failure = &error;
	}
	if (failure)
		finish_plan(launcher, failure);
	else
		driver_client_request(launcher->driver, "plan", arguments, START_TIMEOUT_MS, on_plan,
				      launcher);
}

static void on_driver_event(const char *name, const json_t *event_data, void *data)
{
	static const char *const reasons[] = {"guest_shutdown", "guest_exit", "terminated", "crashed"};
	struct launcher *launcher = data;
	bool is_live = launcher->events && !launcher->on_started && !launcher->process_ended;
	if (text_equal(name, "paused") && is_live)
		launcher->events->on_paused(launcher->data);
	else if (text_equal(name, "running") && is_live)
		launcher->events->on_running(launcher->data);
	else if (text_equal(name, "ended"))
		for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
			if (text_equal(json_member_string(event_data, "reason", NULL), reasons[i]))
				launcher->end_reason = reasons[i];
}

/* The board runs on without it; what is asked of it from now on fails with the reason. */
static void on_driver_lost(const struct error *error, void *data)
{
	(void) error;
	(void) data;
}

static const struct driver_client_events driver_events = {.on_event = on_driver_event,
							  .on_lost = on_driver_lost};

static int start_driver(struct launcher *launcher, struct error *error)
{
	const struct launch *launch = &launcher->launch;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(error, -errno, NULL, "a socket pair for the driver");
	cleanup_close int driver_end = pair[1];
	launcher->driver =
	    driver_client_create(launch->loop, pair[0], launch->emulator, &driver_events, launcher, error);
	if (!launcher->driver)
		return -ENOMEM;
	const struct launch_command command = {.argv = launcher->driver_argv,
					       .inherit_fds = launcher->inherit_fds,
					       .stdin_fd = driver_end,
					       .stdout_fd = driver_end};
	if (launch->start_process(launcher->driver_name, &command, launch->data, error) < 0)
		return error_wrap(error, "the driver of %s", launch->emulator);
	return 0;
}

static void launcher_plan(struct launcher *launcher,
			  void (*on_planned)(const struct error *error, void *data), void *data)
{
	struct error error;
	if (start_driver(launcher, &error) < 0) {
		on_planned(&error, data);
		return;
	}
	launcher->on_planned = on_planned;
	launcher->planned_data = data;
	cleanup_json json_t *arguments =
	    json_pack("{s:i, s:s}", "protocol", DRIVER_PROTOCOL, "version", EMUD_VERSION);
	driver_client_request(launcher->driver, "hello", arguments, START_TIMEOUT_MS, on_hello, launcher);
}

static const struct channel_plan *launcher_channels(const struct launcher *launcher, size_t *ret_count)
{
	*ret_count = launcher->plan.count;
	return launcher->plan.channels;
}

/* ---- the start ---- */

static int launcher_prepare(struct launcher *launcher, struct launch_command *ret_command,
			    struct error *error)
{
	const struct external_plan *plan = &launcher->plan;
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->offers[i].via != EXTERNAL_VIA_STDIO)
			continue;
		int result = joints_open_files(launcher->launch.state_dirfd, plan->channels[i].name,
					       &launcher->stdin_fd, &launcher->stdout_fd, error);
		if (result < 0)
			return result;
	}
	*ret_command = (struct launch_command){.argv = plan->argv,
					       .environment = (const char *const *) plan->environment,
					       .inherit_fds = launcher->inherit_fds,
					       .stdin_fd = launcher->stdin_fd,
					       .stdout_fd = launcher->stdout_fd};
	return 0;
}

static void tell_lost(struct launcher *launcher)
{
	struct error error;
	error_set(&error, -EPIPE, "not_running", "%s has ended", launcher->launch.emulator);
	/* Its driver may have said why, and sees by the end of its input that it may go. */
	driver_client_end(launcher->driver, &error);
	launcher->events->on_lost(&error, launcher->data);
}

/* Completes the start, once. A guest that has ended meanwhile has run, if the driver says so. */
static void finish_start(struct launcher *launcher, const struct error *error)
{
	struct error ended;
	error_set(&ended, -EPIPE, "not_running", "%s has ended", launcher->launch.emulator);
	if (!launcher->on_started)
		return;
	TAKE(launcher->on_started)(error && launcher->process_ended ? &ended : error, launcher->data);
	if (launcher->process_ended)
		tell_lost(launcher);
}

static void on_resumed(const struct error *failure, const json_t *result, void *data)
{
	(void) result;
	finish_start(data, failure);
}

static int set_up(struct launcher *launcher, const json_t *result, struct error *error)
{
	const struct launch *launch = &launcher->launch;
	if (external_plan_complete(&launcher->plan, result, error) < 0)
		return blame_driver(launcher, error);
	if (launcher->process_ended)
		return 0;
	launcher->joints = joints_create(launch->loop, launch->state_dirfd, &launcher->plan, error);
	return launcher->joints ? 0 : -EIO;
}

static void on_set_up(const struct error *failure, const json_t *result, void *data)
{
	struct launcher *launcher = data;
	struct error error;
	if (!launcher->on_started)
		return;
	if (!failure && set_up(launcher, result, &error) < 0)
		failure = &error;
	bool is_held = launcher->capabilities & DRIVER_HOLDS && !launcher->launch.paused;
	if (failure || !is_held)
		finish_start(launcher, failure);
	else
		driver_client_request(launcher->driver, "resume", NULL, START_TIMEOUT_MS, on_resumed,
				      launcher);
}

static void launcher_start(struct launcher *launcher, pid_t pid,
			   void (*on_started)(const struct error *error, void *data),
			   const struct emulator_events *events, void *data)
{
	close_handed_down(launcher);
	launcher->on_started = on_started;
	launcher->events = events;
	launcher->data = data;
	cleanup_json json_t *arguments = json_pack("{s:i}", "pid", (int) pid);
	driver_client_request(launcher->driver, "started", arguments, START_TIMEOUT_MS, on_set_up, launcher);
}

static const char *launcher_waits_for(const struct launcher *launcher)
{
	const char *command = launcher->driver ? driver_client_waits_for(launcher->driver) : NULL;
	if (!command)
		return NULL;
	struct launcher *own = (struct launcher *) launcher;
	free(own->wait);
	own->wait =
	    text_format("the driver of %s has not answered \"%s\"", launcher->launch.emulator, command);
	return own->wait;
}

/* ---- ends ---- */

static void tell_driver_end(struct launcher *launcher, const struct process_end *end)
{
	char name[16], log[300], code[32];
	snprintf(log, sizeof(log), "%s.log", launcher->driver_name);
	snprintf(code, sizeof(code), "exit code %d", end->code);
	cleanup_free char *words = file_tail_text(launcher->launch.state_dirfd, log, LAST_WORDS_BYTES);
	bool has_words = words && words[0];
	struct error error;
	error_set(&error, -EPIPE, "emulator_error", "the driver of %s has ended (%s)%s%s",
		  launcher->launch.emulator, end->signal ? process_signal_name(end->signal, name) : code,
		  has_words ? ": " : "", has_words ? words : "");
	driver_client_end(launcher->driver, &error);
}

/* A start that is under way waits for what the driver has to say: the shim's patience bounds it. */
static void tell_emulator_end(struct launcher *launcher, const struct process_end *end)
{
	char name[16];
	cleanup_json json_t *told =
	    json_pack("{s:o, s:s?}", "code", end->signal ? json_null() : json_integer(end->code), "signal",
		      end->signal ? process_signal_name(end->signal, name) : NULL);
	launcher->process_ended = true;
	if (launcher->on_started)
		driver_client_tell(launcher->driver, "ended", told);
	else if (launcher->events)
		tell_lost(launcher);
}

static void launcher_process_ended(struct launcher *launcher, const char *name, const struct process_end *end)
{
	if (launcher->driver && text_equal(name, launcher->driver_name))
		tell_driver_end(launcher, end);
	else if (launcher->driver && text_equal(name, launcher->launch.emulator))
		tell_emulator_end(launcher, end);
}

static int launcher_connect(struct launcher *launcher, const char *channel, struct error *error)
{
	for (size_t i = 0; i < launcher->plan.count; i++)
		if (text_equal(launcher->plan.channels[i].name, channel))
			return joints_connect(launcher->launch.state_dirfd, &launcher->plan.offers[i], error);
	return error_set(error, -ENOENT, NULL, "there is no channel %s", channel);
}

/* Without the driver's word: a signal that asks a process to end came from outside. */
static const char *launcher_end_reason(const struct launcher *launcher, const struct process_end *end)
{
	if (launcher->end_reason)
		return launcher->end_reason;
	return end->signal == SIGTERM || end->signal == SIGINT || end->signal == SIGHUP ? "terminated" : NULL;
}

const struct launcher_ops external_launcher_ops = {
    .create = launcher_create,
    .plan = launcher_plan,
    .channels = launcher_channels,
    .prepare = launcher_prepare,
    .start = launcher_start,
    .waits_for = launcher_waits_for,
    .process_ended = launcher_process_ended,
    .connect = launcher_connect,
    .end_reason = launcher_end_reason,
    .destroy = launcher_destroy,
};
