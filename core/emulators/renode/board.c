#include "core/emulators/renode/board.h"

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
	struct board *board;
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

struct board {
	struct board_options options;
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
	board_done *on_done;
	void *done_data;
};

/* ---- terminals ---- */

static void on_bridge_end(int number, void *data)
{
	(void) number;
	struct terminal *terminal = data;
	struct board *board = terminal->board;
	bridge_destroy(TAKE(terminal->bridge));
	if (!board->busy)
		board->options.on_terminal_lost(board->options.data);
}

static int connect_terminal(struct terminal *terminal, struct error *error)
{
	const struct board_options *options = &terminal->board->options;
	int fd = network_dial(options->network, terminal->port, error);
	if (fd < 0)
		return fd;
	terminal->bridge = bridge_create(options->launch->loop, fd, options->launch->state_dirfd,
					 terminal->name, on_bridge_end, terminal, error);
	return terminal->bridge ? 0 : error->number;
}

static void disconnect_terminals(struct board *board)
{
	for (size_t i = 0; i < board->terminal_count; i++)
		bridge_destroy(TAKE(board->terminals[i].bridge));
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
static char *make_command(const struct board *board, const struct step *step)
{
	const struct terminal *terminal = step->terminal;
	switch (step->kind) {
	case STEP_TEAR_DOWN:
		break; /* a keyword, no command */
	case STEP_ADD_MACHINE:
		return add_machine_command(board->options.launch->target);
	case STEP_LOAD_PLATFORM:
		return path_command("machine LoadPlatformDescription",
				    json_member_string(board->options.launch->settings, "machine", ""));
	case STEP_CREATE_TERMINAL:
		return text_format("emulation CreateServerSocketTerminal %u \"%s\" false", terminal->port,
				   terminal->name);
	case STEP_CONNECT_TERMINAL:
		return text_format("connector Connect %s %s", terminal->device_path, terminal->name);
	case STEP_START_GDB:
		return text_format("machine StartGdbServer %u", board->gdb_port);
	case STEP_PAUSE:
		return strdup("pause");
	case STEP_RESET:
		return strdup("machine Reset");
	case STEP_LOAD_IMAGE:
		return path_command("sysbus LoadELF", board->image);
	case STEP_RUN:
		return strdup("start");
	}
	return NULL;
}

/* ---- steps ---- */

static void finish(struct board *board, const struct error *error)
{
	board->busy = false;
	free(TAKE(board->steps));
	board->on_done(error, board->done_data);
}

/* The port of a step that opens one, else NULL. */
static uint16_t *port_of(struct board *board, const struct step *step)
{
	return step->kind == STEP_CREATE_TERMINAL ? &step->terminal->port
	       : step->kind == STEP_START_GDB     ? &board->gdb_port
						  : NULL;
}

struct question {
	struct board *board;
	unsigned job;
};

static void on_answer(const struct error *error, const char *text, void *data);

static void ask(struct board *board)
{
	struct error error = {0};
	const struct step *step = &board->steps[board->at];
	uint16_t *port = port_of(board, step);
	if (port && !(*port = network_pick_port(board->options.network, &error))) {
		finish(board, &error);
		return;
	}
	cleanup_free char *command = make_command(board, step);
	struct question *question = malloc(sizeof(*question));
	if (!question || (!command && step->kind != STEP_TEAR_DOWN)) {
		free(question);
		error_set(&error, -ENOMEM, NULL, "no memory");
		finish(board, &error);
		return;
	}
	*question = (struct question){.board = board, .job = board->job};
	const char *keyword = step->kind == STEP_TEAR_DOWN ? "ResetEmulation" : "ExecuteCommand";
	robot_client_run(board->options.client, keyword, command, board->step_timeout_ms, on_answer,
			 question);
}

static void on_retry(void *data)
{
	struct board *board = data;
	struct error error = {0};
	if (board->steps) {
		ask(board);
		return;
	}
	error_set(&error, -ENOMEM, NULL, "no memory");
	finish(board, &error);
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
static bool may_try_another_port(struct board *board, const struct step *step, const struct error *error)
{
	return port_of(board, step) && !network_namespaces(board->options.network) &&
	       text_equal(error->code, "emulator_error") && ++board->attempts < PORT_ATTEMPTS;
}

static void take_failure(struct board *board, const struct step *step, const struct error *error)
{
	if (is_too_early(step, error))
		loop_timer_start(board->retry, RETRY_MS);
	else if (may_try_another_port(board, step, error))
		ask(board);
	else
		finish(board, error);
}

static void on_answer(const struct error *error, const char *text, void *data)
{
	cleanup_free struct question *question = data;
	struct board *board = question->board;
	struct error failure = {0};
	(void) text;
	/* A cancelled one may be told as late as when the board is gone. */
	if ((error && error->number == -ECANCELED) || question->job != board->job || !board->busy)
		return;
	const struct step *step = &board->steps[board->at];
	if (error) {
		take_failure(board, step, error);
		return;
	}
	if (step->kind == STEP_CREATE_TERMINAL && connect_terminal(step->terminal, &failure) < 0) {
		finish(board, &failure);
		return;
	}
	board->attempts = 0;
	if (++board->at < board->step_count)
		ask(board);
	else
		finish(board, NULL);
}

static void add_step(struct board *board, enum step_kind kind, struct terminal *terminal)
{
	if (board->steps)
		board->steps[board->step_count++] = (struct step){.kind = kind, .terminal = terminal};
}

static void begin_job(struct board *board, uint64_t step_timeout_ms, board_done *on_done, void *data)
{
	board->job++;
	board->busy = true;
	board->steps = calloc(STEP_RUN + 1 + 2 * board->terminal_count, sizeof(*board->steps));
	board->step_count = board->at = 0;
	board->attempts = 0;
	board->step_timeout_ms = step_timeout_ms;
	board->on_done = on_done;
	board->done_data = data;
}

/* The steps are known: the first is asked for in a turn of its own. */
static void run_job(struct board *board)
{
	loop_timer_start(board->retry, 0);
}

void board_set_up(struct board *board, bool anew, bool running, uint64_t step_timeout_ms, board_done *on_done,
		  void *data)
{
	begin_job(board, step_timeout_ms, on_done, data);
	if (anew)
		add_step(board, STEP_TEAR_DOWN, NULL);
	add_step(board, STEP_ADD_MACHINE, NULL);
	add_step(board, STEP_LOAD_PLATFORM, NULL);
	for (size_t i = 0; i < board->terminal_count; i++) {
		add_step(board, STEP_CREATE_TERMINAL, &board->terminals[i]);
		add_step(board, STEP_CONNECT_TERMINAL, &board->terminals[i]);
	}
	add_step(board, STEP_START_GDB, NULL);
	if (board->image)
		add_step(board, STEP_LOAD_IMAGE, NULL);
	if (running)
		add_step(board, STEP_RUN, NULL);
	disconnect_terminals(board);
	run_job(board);
}

/* Renode's reset leaves the CPU without an entry: the image is loaded again, while the machine stands still.
 */
void board_reset(struct board *board, bool running, uint64_t step_timeout_ms, board_done *on_done, void *data)
{
	begin_job(board, step_timeout_ms, on_done, data);
	add_step(board, STEP_PAUSE, NULL);
	add_step(board, STEP_RESET, NULL);
	if (board->image)
		add_step(board, STEP_LOAD_IMAGE, NULL);
	if (running)
		add_step(board, STEP_RUN, NULL);
	board_drop_input(board);
	run_job(board);
}

void board_cancel(struct board *board)
{
	board->job++;
	board->busy = false;
	loop_timer_stop(board->retry);
	free(TAKE(board->steps));
}

bool board_is_busy(const struct board *board)
{
	return board->busy;
}

/* ---- the board ---- */

int board_set_image(struct board *board, const char *path)
{
	char *copy = path ? strdup(path) : NULL;
	if (path && !copy)
		return -ENOMEM;
	free(board->image);
	board->image = copy;
	return 0;
}

void board_drop_input(struct board *board)
{
	for (size_t i = 0; i < board->terminal_count; i++)
		if (board->terminals[i].bridge)
			bridge_drop_input(board->terminals[i].bridge);
}

size_t board_connected_terminals(const struct board *board)
{
	size_t count = 0;
	for (size_t i = 0; i < board->terminal_count; i++)
		count += board->terminals[i].bridge != NULL;
	return count;
}

uint16_t board_gdb_port(const struct board *board)
{
	return board->gdb_port;
}

static int make_terminals(struct board *board)
{
	json_t *terminals = json_object_get(board->options.launch->settings, "terminals");
	const char *name;
	json_t *terminal;
	board->terminals = calloc(json_object_size(terminals) + 1, sizeof(*board->terminals));
	if (!board->terminals)
		return -ENOMEM;
	json_object_foreach (terminals, name, terminal)
		board->terminals[board->terminal_count++] =
		    (struct terminal){.board = board,
				      .name = name,
				      .device_path = json_member_string(terminal, "device-path", "")};
	return 0;
}

struct board *board_create(const struct board_options *options, struct error *error)
{
	struct board *board = calloc(1, sizeof(*board));
	if (!board) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	board->options = *options;
	board->retry = loop_timer_create(options->launch->loop, on_retry, board, error);
	if (board->retry && make_terminals(board) == 0)
		return board;
	error_set(error, -ENOMEM, NULL, "no memory");
	board_destroy(board);
	return NULL;
}

void board_destroy(struct board *board)
{
	if (!board)
		return;
	board_cancel(board);
	disconnect_terminals(board);
	loop_timer_destroy(board->retry);
	free(board->terminals);
	free(board->image);
	free(board);
}
