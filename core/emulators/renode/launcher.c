#include "core/emulators/renode/session.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/renode/robot_port.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

enum {
	RETRY_MS = 10,
	/* A last resort: whoever starts an instance has a shorter limit of his own. */
	STEP_TIMEOUT_MS = 10 * 60 * 1000,
	/* How long the terminals of a process that has ended may take to say the last: a process that it left
	 * behind may hold them open. */
	LAST_WORDS_MS = 500,
	ADOPT_TIMEOUT_MS = 5000,
};

struct launcher {
	struct launch launch;
	struct session session;
	struct network *network;
	struct channel_plan *channels;
	size_t channel_count;
	char **argv, **environment;
	int inherit_fds[3];
	uint16_t robot_port;      /* 0: Renode picks it, and has not told it yet */
	struct loop_timer *timer; /* looks for the port, then waits for the last words */
	bool started, folder_made;
	void (*on_adopted)(const struct error *error, bool paused, void *data);
	void (*on_started)(const struct error *error, void *data); /* NULL once told */
	const struct emulator_events *events;
	void *data;
};

/* ---- channels ---- */

static int add_channel(struct launcher *launcher, const char *name, struct channel_plan plan)
{
	plan.name = strdup(name);
	launcher->channels[launcher->channel_count++] = plan;
	return plan.name ? 0 : -ENOMEM;
}

static int plan_channels(struct launcher *launcher)
{
	json_t *terminals = json_object_get(launcher->launch.settings, "terminals");
	const char *name;
	json_t *terminal;
	int result = 0;
	launcher->channels = calloc(json_object_size(terminals) + 2, sizeof(*launcher->channels));
	if (!launcher->channels)
		return -ENOMEM;
	json_object_foreach (terminals, name, terminal)
		if (!result)
			result = add_channel(
			    launcher, name,
			    (struct channel_plan){
				.kind = CHANNEL_CONSOLE,
				.pty = text_equal(json_member_string(terminal, "type", "tcp"), "pty")});
	if (!result)
		result = add_channel(launcher, "robot",
				     (struct channel_plan){.kind = CHANNEL_CONTROL, .refuse_pages = true});
	return result ? result : add_channel(launcher, "gdb", (struct channel_plan){.kind = CHANNEL_GDB});
}

static const struct channel_plan *launcher_channels(const struct launcher *launcher, size_t *ret_count)
{
	*ret_count = launcher->channel_count;
	return launcher->channels;
}

/* ---- the end ---- */

static void finish_start(struct launcher *launcher, const struct error *error)
{
	if (!launcher->on_started)
		return;
	launcher->started = !error;
	if (!error) {
		launcher->session.events = launcher->events;
		launcher->session.data = launcher->data;
	}
	TAKE(launcher->on_started)(error, launcher->data);
}

static void tell_lost(struct launcher *launcher)
{
	struct error error = {0};
	const struct emulator_events *events = TAKE(launcher->session.events);
	loop_timer_stop(launcher->timer);
	error_set(&error, -EPIPE, "not_running", "Renode has ended");
	if (events)
		events->on_lost(&error, launcher->data);
}

static void on_terminal_lost(void *data)
{
	struct launcher *launcher = data;
	struct session *session = &launcher->session;
	if (!session->ended)
		renode_session_bring_back(session);
	else if (renode_machine_connected_terminals(session->machine) == 0)
		tell_lost(launcher);
}

static void launcher_process_ended(struct launcher *launcher, const char *name, const struct process_end *end)
{
	struct session *session = &launcher->session;
	struct error error = {0};
	(void) end;
	if (!text_equal(name, launcher->launch.emulator))
		return;
	loop_timer_stop(launcher->timer);
	renode_session_finish(session);
	if (launcher->on_started) {
		error_set(&error, -ESRCH, "not_running", "Renode ended before the board stood");
		finish_start(launcher, &error);
	} else {
		bool is_silent =
		    !session->machine || renode_machine_connected_terminals(session->machine) == 0;
		loop_timer_start(launcher->timer, is_silent ? 0 : LAST_WORDS_MS);
	}
}

static const char *launcher_end_reason(const struct launcher *launcher, const struct process_end *end)
{
	if (!launcher->started)
		return "start_failed";
	/* Renode knows no guest that ends: a clean exit was somebody's `quit`, and it leaves SIGTERM alone.
	 */
	if (end->signal == SIGTERM || end->code == 128 + SIGTERM || end->code == 0)
		return "terminated";
	return "crashed";
}

/* ---- the start ---- */

static void on_set_up(const struct error *error, void *data)
{
	finish_start(data, error);
}

static void look_for_robot_port(struct launcher *launcher)
{
	if (!launcher->robot_port)
		launcher->robot_port = robot_port_find(launcher->launch.state_dirfd, RENODE_FOLDER);
	if (!launcher->robot_port) {
		loop_timer_start(launcher->timer, RETRY_MS);
		return;
	}
	robot_client_set_port(launcher->session.client, launcher->robot_port);
	renode_machine_set_up(launcher->session.machine, false, !launcher->launch.paused, STEP_TIMEOUT_MS,
			      on_set_up, launcher);
}

static void on_timer(void *data)
{
	struct launcher *launcher = data;
	if (launcher->session.ended)
		tell_lost(launcher);
	else
		look_for_robot_port(launcher);
}

static int make_folder(struct launcher *launcher, struct error *error)
{
	int dirfd = launcher->launch.state_dirfd;
	int result = file_remove_tree(dirfd, RENODE_FOLDER, error);
	if (result == 0 && mkdirat(dirfd, RENODE_FOLDER, 0700) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make " RENODE_FOLDER);
	launcher->folder_made = result == 0;
	return result;
}

/* Renode's files go where they are found and removed: what it keeps for its user included. */
static int make_environment(struct launcher *launcher)
{
	static const char *const names[] = {"TMPDIR", "HOME", "XDG_CONFIG_HOME", NULL};
	for (const char *const *name = names; *name; name++) {
		cleanup_free char *entry =
		    text_format("%s=%s/" RENODE_FOLDER, *name, launcher->launch.state_dir);
		if (!entry || text_vector_append(&launcher->environment, entry) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* On the host Renode picks its robot port itself, which nobody can take from it then. */
static int make_command_line(struct launcher *launcher)
{
	const struct launch *launch = &launcher->launch;
	char port[16];
	snprintf(port, sizeof(port), "%u", launcher->robot_port);
	const char *const words[] = {json_member_string(launch->settings, "executable", ""), "--disable-xwt",
				     "--robot-server-port", port, NULL};
	launcher->argv = text_vector_copy(words);
	int result = launcher->argv ? 0 : -ENOMEM;
	for (const char *const *arg = launch->args; !result && arg && *arg; arg++)
		result = text_vector_append(&launcher->argv, *arg);
	return result;
}

/* What the settings and the firmware say. */
static int make_machine(struct launcher *launcher, struct error *error)
{
	struct session *session = &launcher->session;
	const struct renode_machine_options options = {.launch = &launcher->launch,
						       .network = launcher->network,
						       .client = session->client,
						       .on_terminal_lost = on_terminal_lost,
						       .data = launcher};
	session->machine = renode_machine_create(&options, error);
	if (!session->machine)
		return error->number;
	if (launcher->launch.firmware_fd < 0)
		return 0;
	char image[64];
	snprintf(image, sizeof(image), "/proc/self/fd/%d", launcher->launch.firmware_fd);
	return renode_machine_set_image(session->machine, image);
}

static int make_session(struct launcher *launcher, struct error *error)
{
	struct session *session = &launcher->session;
	launcher->network = network_create(error);
	if (!launcher->network)
		return error->number;
	if (network_namespaces(launcher->network))
		launcher->robot_port = network_pick_port(launcher->network, error);
	session->client = robot_client_create(launcher->launch.loop, launcher->network, error);
	return session->client ? make_machine(launcher, error) : error->number;
}

static int launcher_prepare(struct launcher *launcher, struct launch_command *ret_command,
			    struct error *error)
{
	int result = make_session(launcher, error);
	if (!result)
		result = make_folder(launcher, error);
	if (result < 0)
		return result;
	if (make_environment(launcher) < 0 || make_command_line(launcher) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int *next = launcher->inherit_fds;
	if (launcher->launch.firmware_fd >= 0)
		*next++ = launcher->launch.firmware_fd;
	if (launcher->launch.prestart)
		*next++ = launcher->launch.state_dirfd;
	*next = -1;
	*ret_command = (struct launch_command){.argv = launcher->argv,
					       .environment = (const char *const *) launcher->environment,
					       .inherit_fds = launcher->inherit_fds,
					       .stdin_fd = -1,
					       .stdout_fd = -1,
					       .namespaces = network_namespaces(launcher->network)};
	return 0;
}

static void forget_channels(struct launcher *launcher)
{
	for (size_t i = 0; i < launcher->channel_count; i++)
		free(launcher->channels[i].name);
	free(TAKE(launcher->channels));
	launcher->channel_count = 0;
}

/* Renode itself knows nothing of the machine yet. */
static int launcher_settle(struct launcher *launcher, const struct launch *launch, struct error *error)
{
	launcher->launch = *launch;
	launcher->session.state_dirfd = launch->state_dirfd;
	launcher->session.state_dir = launch->state_dir;
	forget_channels(launcher);
	renode_machine_destroy(TAKE(launcher->session.machine));
	if (plan_channels(launcher) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return make_machine(launcher, error);
}

static void launcher_start(struct launcher *launcher, pid_t pid,
			   void (*on_started)(const struct error *error, void *data),
			   const struct emulator_events *events, void *data)
{
	(void) pid;
	launcher->on_started = on_started;
	launcher->events = events;
	launcher->data = data;
	launcher->session.paused = launcher->launch.paused;
	look_for_robot_port(launcher);
}

static const char *launcher_waits_for(const struct launcher *launcher)
{
	if (!launcher->robot_port)
		return "Renode has not told its robot port";
	return "Renode's robot port has not answered for a whole setting up of the board";
}

static int launcher_connect(struct launcher *launcher, const char *channel, struct error *error)
{
	const struct session *session = &launcher->session;
	uint16_t port = text_equal(channel, "robot") ? launcher->robot_port
			: session->machine           ? renode_machine_gdb_port(session->machine)
						     : 0;
	if (!port || session->ended)
		return error_set(error, -ENOTCONN, "emulator_unavailable", "Renode is not running");
	return network_dial(launcher->network, port, error);
}

/* `pw emu resume` is a client of the robot port that says nothing to us. */
static void launcher_left(struct launcher *launcher, const char *channel)
{
	if (text_equal(channel, "robot") && launcher->session.events)
		renode_session_look(&launcher->session);
}

/* ---- a Renode of pw emu's ---- */

static void on_adopted_state(const struct error *error, const char *text, void *data)
{
	struct launcher *launcher = data;
	struct session *session = &launcher->session;
	/* The launcher is being destroyed. */
	if (error && error->number == -ECANCELED)
		return;
	session->paused = !error && text_equal(text, "True");
	launcher->started = !error;
	session->events = error ? NULL : launcher->events;
	session->data = launcher->data;
	launcher->on_adopted(error, session->paused, launcher->data);
}

/* As pw emu names them: whatever is none of the two that every Renode has is a terminal. */
static int plan_adopted(struct launcher *launcher, const struct adoption *adoption)
{
	int result = 0;
	forget_channels(launcher);
	launcher->channels = calloc(adoption->count + 1, sizeof(*launcher->channels));
	for (size_t i = 0; launcher->channels && !result && i < adoption->count; i++) {
		const struct adopted_channel *channel = &adoption->channels[i];
		bool is_robot = text_equal(channel->name, "robot");
		result = add_channel(launcher, channel->name,
				     (struct channel_plan){.kind = is_robot ? CHANNEL_CONTROL
								   : text_equal(channel->name, "gdb")
								       ? CHANNEL_GDB
								       : CHANNEL_CONSOLE,
							   .pty = channel->pty,
							   .refuse_pages = is_robot});
	}
	return launcher->channels ? result : -ENOMEM;
}

static int launcher_adopt(struct launcher *launcher, const struct adoption *adoption,
			  void (*on_adopted)(const struct error *error, bool paused, void *data),
			  const struct emulator_events *events, void *data, struct error *error)
{
	struct session *session = &launcher->session;
	session->adopted = true;
	launcher->on_adopted = on_adopted;
	launcher->events = events;
	launcher->data = data;
	if (plan_adopted(launcher, adoption) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	launcher->network = network_create_adopted(adoption, error);
	if (!launcher->network)
		return error->number;
	session->client = robot_client_create(launcher->launch.loop, launcher->network, error);
	if (!session->client)
		return error->number;
	robot_client_set_port(session->client, NETWORK_ADOPTED_ROBOT);
	int result = make_machine(launcher, error);
	if (!result)
		result = make_folder(launcher, error);
	if (!result)
		robot_client_execute(session->client, "machine IsPaused", ADOPT_TIMEOUT_MS, on_adopted_state,
				     launcher);
	return result;
}

/* ---- the launcher ---- */

struct session *renode_launcher_session(struct launcher *launcher)
{
	return &launcher->session;
}

static void launcher_destroy(struct launcher *launcher)
{
	if (!launcher)
		return;
	launcher->on_started = NULL;
	launcher->session.events = NULL;
	renode_session_finish(&launcher->session);
	renode_machine_destroy(launcher->session.machine);
	network_destroy(launcher->network);
	loop_timer_destroy(launcher->timer);
	if (launcher->folder_made)
		file_remove_tree(launcher->launch.state_dirfd, RENODE_FOLDER, NULL);
	forget_channels(launcher);
	text_vector_free(launcher->argv);
	text_vector_free(launcher->environment);
	json_decref(launcher->session.listings);
	free(launcher);
}

static struct launcher *launcher_create(const struct launch *launch, struct error *error)
{
	if (!json_member_string(launch->settings, "executable", NULL) ||
	    !json_member_string(launch->settings, "machine", NULL)) {
		error_set(error, -EINVAL, "invalid_value", "the settings name no executable or no machine");
		return NULL;
	}
	struct launcher *launcher = calloc(1, sizeof(*launcher));
	if (!launcher) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	launcher->launch = *launch;
	launcher->session.loop = launch->loop;
	launcher->session.state_dirfd = launch->state_dirfd;
	launcher->session.state_dir = launch->state_dir;
	launcher->session.listings = json_object();
	TAILQ_INIT(&launcher->session.operations);
	launcher->timer = loop_timer_create(launch->loop, on_timer, launcher, error);
	if (launcher->timer && launcher->session.listings && plan_channels(launcher) == 0)
		return launcher;
	launcher_destroy(launcher);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

const struct launcher_ops renode_launcher_ops = {
    .waits_for_start = true,
    .create = launcher_create,
    .channels = launcher_channels,
    .prepare = launcher_prepare,
    .settle = launcher_settle,
    .start = launcher_start,
    .adopt = launcher_adopt,
    .waits_for = launcher_waits_for,
    .process_ended = launcher_process_ended,
    .connect = launcher_connect,
    .left = launcher_left,
    .end_reason = launcher_end_reason,
    .destroy = launcher_destroy,
};
