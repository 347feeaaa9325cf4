#include "core/emulators/qemu/launcher_qemu.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/qemu/command_line.h"
#include "core/emulators/qemu/end.h"
#include "core/emulators/qemu/semihosting.h"
#include "core/loop/listener.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/* A last resort: whoever starts an instance has a shorter limit of his own. */
enum { START_TIMEOUT_MS = 10 * 60 * 1000 };

static const struct tunnel_plan {
	const char *name, *socket_name;
	enum channel_kind kind;
	bool refuse_http;
} tunnel_plans[] = {
    {"gdb", "gdb.sock", CHANNEL_GDB, false},
    {"qmp", "qmp.sock", CHANNEL_CONTROL, true},
    {"monitor", "monitor.sock", CHANNEL_MONITOR, true},
};

enum { TUNNEL_GDB, TUNNEL_QMP, TUNNEL_MONITOR, TUNNEL_COUNT };

struct launcher {
	struct launch launch; /* with settings of its own */
	struct qemu_semihosting semihosting;
	pid_t pid;
	struct channel_plan *channels;
	size_t channel_count;
	int listeners[TUNNEL_COUNT]; /* until QEMU has them; -1 otherwise */
	int control_fd;              /* QEMU's end of our connection, likewise */
	int gate_read, gate_write;   /* QEMU's end likewise; closing ours opens the gate */
	int inherit_fds[TUNNEL_COUNT + 5];
	char **argv;
	struct qmp_client *client;
	struct qemu_adoption *adoption; /* in place of all the above but the channels */
	struct qemu_life life;
	bool process_ended;
	void (*on_started)(const struct error *error, void *data); /* NULL once told */
	const struct emulator_events *events;
	void *data;
};

static void close_handed_down(struct launcher *launcher)
{
	for (size_t i = 0; i < TUNNEL_COUNT; i++)
		if (launcher->listeners[i] >= 0)
			close(TAKE_FD(launcher->listeners[i]));
	cleanup_close_descriptor(&launcher->control_fd);
	cleanup_close_descriptor(&launcher->gate_read);
	launcher->control_fd = launcher->gate_read = -1;
}

static void free_channels(struct launcher *launcher)
{
	for (size_t i = 0; i < launcher->channel_count; i++) {
		free(launcher->channels[i].name);
		free(launcher->channels[i].socket_name);
	}
	launcher->channel_count = 0;
	free(TAKE(launcher->channels));
}

static void launcher_destroy(struct launcher *launcher)
{
	if (!launcher)
		return;
	launcher->on_started = NULL;
	qmp_client_destroy(launcher->client);
	qemu_adoption_destroy(launcher->adoption);
	close_handed_down(launcher);
	cleanup_close_descriptor(&launcher->gate_write);
	/* Sockets that nobody listens on any more. */
	if (launcher->argv)
		for (size_t i = 0; i < TUNNEL_COUNT; i++)
			unlinkat(launcher->launch.state_dirfd, tunnel_plans[i].socket_name, 0);
	free_channels(launcher);
	text_vector_free(launcher->argv);
	qemu_semihosting_finish(&launcher->semihosting);
	json_decref((json_t *) launcher->launch.settings);
	free(launcher);
}

static bool is_pty(const json_t *channel)
{
	return strcmp(json_member_string(channel, "type", "tcp"), "pty") == 0;
}

static int plan_channels(struct launcher *launcher)
{
	json_t *chardevs = json_object_get(launcher->launch.settings, "chardevs");
	const json_t *channels = json_object_get(launcher->launch.settings, "channels");
	launcher->channels = calloc(json_object_size(chardevs) + TUNNEL_COUNT, sizeof(*launcher->channels));
	if (!launcher->channels)
		return -ENOMEM;
	const char *name;
	json_t *chardev;
	json_object_foreach (chardevs, name, chardev) {
		struct channel_plan *plan = &launcher->channels[launcher->channel_count++];
		*plan = (struct channel_plan){
		    .name = strdup(name), .kind = CHANNEL_CONSOLE, .pty = is_pty(chardev)};
		if (!plan->name)
			return -ENOMEM;
	}
	for (size_t i = 0; i < TUNNEL_COUNT; i++) {
		const struct tunnel_plan *tunnel = &tunnel_plans[i];
		struct channel_plan *plan = &launcher->channels[launcher->channel_count++];
		*plan = (struct channel_plan){.name = strdup(tunnel->name),
					      .kind = tunnel->kind,
					      .pty = is_pty(json_object_get(channels, tunnel->name)),
					      .socket_name = strdup(tunnel->socket_name),
					      .refuse_http = tunnel->refuse_http};
		if (!plan->name || !plan->socket_name)
			return -ENOMEM;
	}
	return 0;
}

static struct launcher *launcher_create(const struct launch *launch, struct error *error)
{
	static const char *const needed[] = {"executable", "machine"};
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (json_member_string(launch->settings, needed[i], NULL))
			continue;
		error_set(error, -EINVAL, "invalid_value", "the settings name no %s", needed[i]);
		return NULL;
	}
	struct launcher *launcher = calloc(1, sizeof(*launcher));
	if (launcher) {
		launcher->launch = *launch;
		launcher->launch.settings = qemu_semihosting_begin(&launcher->semihosting, launch);
		launcher->control_fd = launcher->gate_read = launcher->gate_write = -1;
		memset(launcher->listeners, -1, sizeof(launcher->listeners));
	}
	if (!launcher || !launcher->launch.settings || plan_channels(launcher) < 0) {
		launcher_destroy(launcher);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	return launcher;
}

static const struct channel_plan *launcher_channels(const struct launcher *launcher, size_t *ret_count)
{
	*ret_count = launcher->channel_count;
	return launcher->channels;
}

/* Completes the start, once. The launcher may be gone afterwards. */
static void finish_start(struct launcher *launcher, const struct error *error)
{
	if (!launcher->on_started || launcher->process_ended)
		return;
	launcher->life.started = !error;
	TAKE(launcher->on_started)(error, launcher->data);
}

static void on_qmp_event(const char *name, const json_t *event_data, void *data)
{
	struct launcher *launcher = data;
	qemu_life_note(&launcher->life, name, event_data);
	if (launcher->process_ended)
		return;
	if (strcmp(name, "RESUME") == 0) {
		/* QEMU says so before the guest's first instruction, and may end before it answers `cont`. */
		if (launcher->on_started)
			finish_start(launcher, NULL);
		else
			launcher->events->on_running(launcher->data);
	} else if (strcmp(name, "STOP") == 0 && !launcher->on_started) {
		launcher->events->on_paused(launcher->data);
	}
}

static void on_qmp_lost(const struct error *error, void *data)
{
	struct launcher *launcher = data;
	if (launcher->on_started)
		finish_start(launcher, error);
	else if (launcher->events && !launcher->process_ended)
		launcher->events->on_lost(error, launcher->data);
}

static const struct qmp_client_events qmp_events = {.on_event = on_qmp_event, .on_lost = on_qmp_lost};

static int open_sockets(struct launcher *launcher, struct error *error)
{
	for (size_t i = 0; i < TUNNEL_COUNT; i++) {
		int fd = listener_open_unix(launcher->launch.state_dirfd, tunnel_plans[i].socket_name, error);
		if (fd < 0)
			return fd;
		launcher->listeners[i] = fd;
	}
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(error, -errno, NULL, "a socket pair for QMP");
	launcher->control_fd = pair[1];
	launcher->client = qmp_client_create(launcher->launch.loop, pair[0], &qmp_events, launcher, error);
	return launcher->client ? 0 : -ENOMEM;
}

static int make_gate(struct launcher *launcher, struct error *error)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_set_errno(error, -errno, NULL, "a pipe for QEMU");
	launcher->gate_read = pair[0];
	launcher->gate_write = pair[1];
	return 0;
}

static int launcher_prepare(struct launcher *launcher, struct launch_command *ret_command,
			    struct error *error)
{
	int result = open_sockets(launcher, error);
	if (!result)
		result = make_gate(launcher, error);
	if (!result)
		result = qemu_semihosting_open(&launcher->semihosting, &launcher->launch,
					       launcher->launch.settings, error);
	if (result < 0)
		return result;
	struct qemu_descriptors descriptors = {
	    .qmp = launcher->listeners[TUNNEL_QMP],
	    .monitor = launcher->listeners[TUNNEL_MONITOR],
	    .gdb = launcher->listeners[TUNNEL_GDB],
	    .control = launcher->control_fd,
	    .gate = launcher->gate_read,
	};
	launcher->argv = qemu_command_line(&launcher->launch, &descriptors, error);
	if (!launcher->argv)
		return -ENOMEM;
	int *next = launcher->inherit_fds;
	for (size_t i = 0; i < TUNNEL_COUNT; i++)
		*next++ = launcher->listeners[i];
	*next++ = launcher->control_fd;
	*next++ = launcher->gate_read;
	*next++ = launcher->launch.state_dirfd;
	if (launcher->launch.firmware_fd >= 0)
		*next++ = launcher->launch.firmware_fd;
	*next = -1;
	const struct qemu_semihosting *semihosting = &launcher->semihosting;
	*ret_command =
	    (struct launch_command){.argv = launcher->argv,
				    .inherit_fds = launcher->inherit_fds,
				    .stdin_fd = semihosting->input_fd,
				    .stdout_fd = semihosting->output_fd,
				    .enclosure = semihosting->enclosure,
				    .directory = semihosting->narrow_paths ? semihosting->directory : NULL,
				    .narrow_paths = semihosting->narrow_paths,
				    .narrow_write_paths = (const char *const *) semihosting->write_paths};
	return 0;
}

static void on_continued(const struct error *error, const struct qmp_message *reply, void *data)
{
	(void) reply;
	finish_start(data, error);
}

static void request_cont(struct launcher *launcher)
{
	const struct qmp_call call = {.command = "cont", .timeout_ms = START_TIMEOUT_MS};
	qmp_client_request(launcher->client, &call, on_continued, launcher);
}

/* QEMU answers from its main loop: it has loaded all it is made of. */
static void on_capabilities(const struct error *error, const struct qmp_message *reply, void *data)
{
	(void) reply;
	struct launcher *launcher = data;
	struct error reason;
	if (!error &&
	    qemu_semihosting_close(&launcher->semihosting, &launcher->launch, launcher->pid, &reason) < 0)
		error = &reason;
	if (error || launcher->launch.paused)
		finish_start(launcher, error);
	else if (launcher->semihosting.enclosure)
		request_cont(launcher);
}

static void launcher_start(struct launcher *launcher, pid_t pid,
			   void (*on_started)(const struct error *error, void *data),
			   const struct emulator_events *events, void *data)
{
	/* While we held QEMU's end, too, its end would not be heard. */
	close_handed_down(launcher);
	close(TAKE_FD(launcher->gate_write));
	launcher->pid = pid;
	launcher->on_started = on_started;
	launcher->events = events;
	launcher->data = data;
	const struct qmp_call call = {.command = "qmp_capabilities", .timeout_ms = START_TIMEOUT_MS};
	qmp_client_request(launcher->client, &call, on_capabilities, launcher);
	/* Not waiting for the answer, where nothing is to be done at it. */
	if (!launcher->launch.paused && !launcher->semihosting.enclosure)
		request_cont(launcher);
}

/* The last events may lie unread still when the end of the process is told first. */
static const char *launcher_end_reason(const struct launcher *launcher, const struct process_end *end)
{
	struct launcher *ended = (struct launcher *) launcher;
	ended->process_ended = true;
	if (ended->client)
		qmp_client_drain(ended->client);
	return qemu_end_reason(&ended->life, end);
}

/* ---- one that runs already ---- */

static enum channel_kind kind_of(const char *name)
{
	for (size_t i = 0; i < TUNNEL_COUNT; i++)
		if (strcmp(name, tunnel_plans[i].name) == 0)
			return tunnel_plans[i].kind;
	return CHANNEL_CONSOLE;
}

static int plan_adopted(struct launcher *launcher, const struct adoption *adoption)
{
	free_channels(launcher);
	launcher->channels = calloc(adoption->count + 1, sizeof(*launcher->channels));
	if (!launcher->channels)
		return -ENOMEM;
	for (size_t i = 0; i < adoption->count; i++) {
		const struct adopted_channel *channel = &adoption->channels[i];
		struct channel_plan *plan = &launcher->channels[launcher->channel_count++];
		*plan = (struct channel_plan){
		    .name = strdup(channel->name), .kind = kind_of(channel->name), .pty = channel->pty};
		if (!plan->name)
			return -ENOMEM;
	}
	return 0;
}

static int launcher_adopt(struct launcher *launcher, const struct adoption *adoption,
			  void (*on_adopted)(const struct error *error, bool paused, void *data),
			  const struct emulator_events *events, void *data, struct error *error)
{
	if (plan_adopted(launcher, adoption) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return qemu_adopt(&launcher->adoption, launcher->launch.loop, adoption, on_adopted, events, data,
			  error);
}

struct qemu_adoption *qemu_launcher_adoption(const struct launcher *launcher)
{
	return launcher->adoption;
}

unsigned qemu_launcher_resumes(const struct launcher *launcher)
{
	return launcher->life.resumes;
}

struct qmp_client *qemu_launcher_client(struct launcher *launcher)
{
	return launcher->client;
}

const struct launcher_ops qemu_launcher_ops = {
    .waits_for_start = true,
    .create = launcher_create,
    .channels = launcher_channels,
    .prepare = launcher_prepare,
    .start = launcher_start,
    .adopt = launcher_adopt,
    .end_reason = launcher_end_reason,
    .destroy = launcher_destroy,
};
