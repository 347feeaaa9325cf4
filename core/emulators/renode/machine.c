#include "core/emulators/renode/machine.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/bridge.h"
#include "core/emulators/renode/names.h"

#include <ctype.h>
#include <string.h>

enum {
	RETRY_MS = 10,
	PORT_ATTEMPTS = 50, /* of one port, on the host */
};

struct terminal {
	struct renode_machine *machine;
	const char *name, *device_path; /* of the settings */
	uint16_t port;
	struct bridge *bridge; /* NULL: not connected */
};

enum step_kind {
	STEP_TEAR_DOWN,
	STEP_ADD_MACHINE,
	STEP_LOAD_PLATFORM,
	STEP_CREATE_TERMINAL,
	STEP_CONNECT_TERMINAL,
	STEP_START_GDB,
	STEP_PAUSE,
	STEP_RESET,
	STEP_LOAD_IMAGE,
	STEP_RUN,
};

struct step {
	enum step_kind kind;
	struct terminal *terminal; /* of the two that concern one */
};

struct renode_machine {
	struct renode_machine_options options;
	char *image; /* NULL: none */
	uint16_t gdb_port;
	size_t terminal_count;
	struct terminal *terminals;
	struct loop_timer *retry;

	/* What is under way. */
	unsigned job; /* its number: the answer to a step of an earlier one is not looked at */
	bool busy;
	struct step *steps;
	size_t step_count, at;
	int attempts; /* at a port */
	uint64_t step_timeout_ms;
	renode_machine_done *on_done;
	void *done_data;
};

/* ---- terminals ---- */

static void on_bridge_end(int number, void *data)
{
	(void) number;
	struct terminal *terminal = data;
	struct renode_machine *machine = terminal->machine;
	bridge_destroy(TAKE(terminal->bridge));
	if (!machine->busy)
		machine->options.on_terminal_lost(machine->options.data);
}

static int connect_terminal(struct terminal *terminal, struct error *error)
{
	const struct renode_machine_options *options = &terminal->machine->options;
	int fd = network_dial(options->network, terminal->port, error);
	if (fd < 0)
		return fd;
	terminal->bridge = bridge_create(options->launch->loop, fd, options->launch->state_dirfd,
					 terminal->name, on_bridge_end, terminal, error);
	return terminal->bridge ? 0 : error->number;
}

static void disconnect_terminals(struct renode_machine *machine)
{
	for (size_t i = 0; i < machine->terminal_count; i++)
		bridge_destroy(TAKE(machine->terminals[i].bridge));
}

/* ---- commands ---- */

/* A machine's name stands in quotes: what could end them becomes an underscore. */
static char *add_machine_command(const char *target)
{
	char *command = text_format("mach add \"%s\"", target);
	if (!command)
		return NULL;
	char *name = command + strlen("mach add \"");
	for (size_t i = 0, length = strlen(target); i < length; i++)
		if (!isalnum((unsigned char) name[i]) && !strchr("._- ", name[i]))
			name[i] = '_';
	return command;
}

static char *path_command(const char *command, const char *path)
{
	cleanup_free char *token = renode_path_token(path);
	return token ? text_format("%s %s", command, token) : NULL;
}

/* Caller frees; NULL: no memory. */
static char *make_command(const struct renode_machine *machine, const struct step *step)
{
	static const struct terminal none;
	const struct terminal *terminal = step->terminal ? step->terminal : &none;
	switch (step->kind) {
	case STEP_TEAR_DOWN:
		break; /* a keyword, no command */
	case STEP_ADD_MACHINE:
		return add_machine_command(machine->options.launch->target);
	case STEP_LOAD_PLATFORM:
		return path_command("machine LoadPlatformDescription",
				    json_member_string(machine->options.launch->settings, "machine", ""));
	case STEP_CREATE_TERMINAL:
		return text_format("emulation CreateServerSocketTerminal %u \"%s\" false", terminal->port,
				   terminal->name);
	case STEP_CONNECT_TERMINAL:
		return text_format("connector Connect %s %s", terminal->device_path, terminal->name);
	case STEP_START_GDB:
		return text_format("machine StartGdbServer %u", machine->gdb_port);
	case STEP_PAUSE:
		return strdup("pause");
	case STEP_RESET:
		return strdup("machine Reset");
	case STEP_LOAD_IMAGE:
		return path_command("sysbus LoadELF", machine->image);
	case STEP_RUN:
		return strdup("start");
	}
	return NULL;
}

/* ---- steps ---- */

static void finish(struct renode_machine *machine, const struct error *error)
{
	machine->busy = false;
	free(TAKE(machine->steps));
	machine->on_done(error, machine->done_data);
}

/* The port of a step that opens one, else NULL. */
static uint16_t *port_of(struct renode_machine *machine, const struct step *step)
{
	if (step->kind == STEP_CREATE_TERMINAL && step->terminal)
		return &step->terminal->port;
	return step->kind == STEP_START_GDB ? &machine->gdb_port : NULL;
}

struct question {
	struct renode_machine *machine;
	unsigned job;
};

static void on_answer(const struct error *error, const char *text, void *data);

static void ask(struct renode_machine *machine)
{
	struct error error = {0};
	const struct step *step = &machine->steps[machine->at];
	uint16_t *port = port_of(machine, step);
	if (port && !(*port = network_pick_port(machine->options.network, &error))) {
		finish(machine, &error);
		return;
	}
	cleanup_free char *command = make_command(machine, step);
	struct question *question = malloc(sizeof(*question));
	if (!question || (!command && step->kind != STEP_TEAR_DOWN)) {
		free(question);
		error_set(&error, -ENOMEM, NULL, "no memory");
		finish(machine, &error);
		return;
	}
	*question = (struct question){.machine = machine, .job = machine->job};
	const char *keyword = step->kind == STEP_TEAR_DOWN ? "ResetEmulation" : "ExecuteCommand";
	robot_client_run(machine->options.client, keyword, command, machine->step_timeout_ms, on_answer,
			 question);
}

static void on_retry(void *data)
{
	struct renode_machine *machine = data;
	struct error error = {0};
	if (machine->steps) {
		ask(machine);
		return;
	}
	error_set(&error, -ENOMEM, NULL, "no memory");
	finish(machine, &error);
}

/* Renode is not there yet, or was not asked in time: it starts up, or another takes its turn. */
static bool is_too_early(const struct step *step, const struct error *error)
{
	if (step->kind != STEP_TEAR_DOWN && step->kind != STEP_ADD_MACHINE)
		return false;
	return error->number == -ECONNREFUSED || error->number == -ECONNRESET ||
	       strstr(error->message, "No such command or device");
}

/* On the host another program may have taken the port since it was picked. */
static bool may_try_another_port(struct renode_machine *machine, const struct step *step,
				 const struct error *error)
{
	return port_of(machine, step) && !network_namespaces(machine->options.network) &&
	       text_equal(error->code, "emulator_error") && ++machine->attempts < PORT_ATTEMPTS;
}

static void take_failure(struct renode_machine *machine, const struct step *step, const struct error *error)
{
	if (is_too_early(step, error))
		loop_timer_start(machine->retry, RETRY_MS);
	else if (may_try_another_port(machine, step, error))
		ask(machine);
	else
		finish(machine, error);
}

static void on_answer(const struct error *error, const char *text, void *data)
{
	cleanup_free struct question *question = data;
	struct renode_machine *machine = question->machine;
	struct error failure = {0};
	(void) text;
	/* A cancelled one may be told as late as when the machine is gone. */
	if ((error && error->number == -ECANCELED) || question->job != machine->job || !machine->busy)
		return;
	const struct step *step = &machine->steps[machine->at];
	if (error) {
		take_failure(machine, step, error);
		return;
	}
	if (step->kind == STEP_CREATE_TERMINAL && connect_terminal(step->terminal, &failure) < 0) {
		finish(machine, &failure);
		return;
	}
	/* Not before: while Renode may be dying, what its terminals say is still to be heard. */
	if (step->kind == STEP_TEAR_DOWN)
		disconnect_terminals(machine);
	machine->attempts = 0;
	if (++machine->at < machine->step_count)
		ask(machine);
	else
		finish(machine, NULL);
}

static void add_step(struct renode_machine *machine, enum step_kind kind, struct terminal *terminal)
{
	if (machine->steps)
		machine->steps[machine->step_count++] = (struct step){.kind = kind, .terminal = terminal};
}

static void begin_job(struct renode_machine *machine, uint64_t step_timeout_ms, renode_machine_done *on_done,
		      void *data)
{
	machine->job++;
	machine->busy = true;
	machine->steps = calloc(STEP_RUN + 1 + 2 * machine->terminal_count, sizeof(*machine->steps));
	machine->step_count = machine->at = 0;
	machine->attempts = 0;
	machine->step_timeout_ms = step_timeout_ms;
	machine->on_done = on_done;
	machine->done_data = data;
}

/* The steps are known: the first is asked for in a turn of its own. */
static void run_job(struct renode_machine *machine)
{
	loop_timer_start(machine->retry, 0);
}

void renode_machine_set_up(struct renode_machine *machine, bool anew, bool running, uint64_t step_timeout_ms,
			   renode_machine_done *on_done, void *data)
{
	begin_job(machine, step_timeout_ms, on_done, data);
	if (anew)
		add_step(machine, STEP_TEAR_DOWN, NULL);
	add_step(machine, STEP_ADD_MACHINE, NULL);
	add_step(machine, STEP_LOAD_PLATFORM, NULL);
	for (size_t i = 0; i < machine->terminal_count; i++) {
		add_step(machine, STEP_CREATE_TERMINAL, &machine->terminals[i]);
		add_step(machine, STEP_CONNECT_TERMINAL, &machine->terminals[i]);
	}
	add_step(machine, STEP_START_GDB, NULL);
	if (machine->image)
		add_step(machine, STEP_LOAD_IMAGE, NULL);
	if (running)
		add_step(machine, STEP_RUN, NULL);
	run_job(machine);
}

/* Renode's reset leaves the CPU without an entry: the image is loaded again, while the machine stands still.
 */
void renode_machine_reset(struct renode_machine *machine, bool running, uint64_t step_timeout_ms,
			  renode_machine_done *on_done, void *data)
{
	begin_job(machine, step_timeout_ms, on_done, data);
	add_step(machine, STEP_PAUSE, NULL);
	add_step(machine, STEP_RESET, NULL);
	if (machine->image)
		add_step(machine, STEP_LOAD_IMAGE, NULL);
	if (running)
		add_step(machine, STEP_RUN, NULL);
	renode_machine_drop_input(machine);
	run_job(machine);
}

void renode_machine_cancel(struct renode_machine *machine)
{
	machine->job++;
	machine->busy = false;
	loop_timer_stop(machine->retry);
	free(TAKE(machine->steps));
}

bool renode_machine_is_busy(const struct renode_machine *machine)
{
	return machine->busy;
}

/* ---- the machine ---- */

int renode_machine_set_image(struct renode_machine *machine, const char *path)
{
	char *copy = path ? strdup(path) : NULL;
	if (path && !copy)
		return -ENOMEM;
	free(machine->image);
	machine->image = copy;
	return 0;
}

const char *renode_machine_image(const struct renode_machine *machine)
{
	return machine->image;
}

void renode_machine_drop_input(struct renode_machine *machine)
{
	for (size_t i = 0; i < machine->terminal_count; i++)
		if (machine->terminals[i].bridge)
			bridge_drop_input(machine->terminals[i].bridge);
}

size_t renode_machine_connected_terminals(const struct renode_machine *machine)
{
	size_t count = 0;
	for (size_t i = 0; i < machine->terminal_count; i++)
		count += machine->terminals[i].bridge != NULL;
	return count;
}

uint16_t renode_machine_gdb_port(const struct renode_machine *machine)
{
	return machine->gdb_port;
}

static int make_terminals(struct renode_machine *machine)
{
	json_t *terminals = json_object_get(machine->options.launch->settings, "terminals");
	const char *name;
	json_t *terminal;
	machine->terminals = calloc(json_object_size(terminals) + 1, sizeof(*machine->terminals));
	if (!machine->terminals)
		return -ENOMEM;
	json_object_foreach (terminals, name, terminal)
		machine->terminals[machine->terminal_count++] =
		    (struct terminal){.machine = machine,
				      .name = name,
				      .device_path = json_member_string(terminal, "device-path", "")};
	return 0;
}

struct renode_machine *renode_machine_create(const struct renode_machine_options *options,
					     struct error *error)
{
	struct renode_machine *machine = calloc(1, sizeof(*machine));
	if (!machine) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	machine->options = *options;
	machine->retry = loop_timer_create(options->launch->loop, on_retry, machine, error);
	if (machine->retry && make_terminals(machine) == 0)
		return machine;
	error_set(error, -ENOMEM, NULL, "no memory");
	renode_machine_destroy(machine);
	return NULL;
}

void renode_machine_destroy(struct renode_machine *machine)
{
	if (!machine)
		return;
	renode_machine_cancel(machine);
	disconnect_terminals(machine);
	loop_timer_destroy(machine->retry);
	free(machine->terminals);
	free(machine->image);
	free(machine);
}
