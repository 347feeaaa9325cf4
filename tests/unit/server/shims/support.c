#include "support.h"

#include "core/base/json_lines.h"
#include "core/handles/spec.h"
#include "core/process/proctree.h"
#include "core/shim/order.h"
#include "core/shim/protocol.h"
#include "server/store/store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* ---- waiting ---- */

struct look {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*holds)(void *data);
	void *data;
	int64_t deadline_ms;
};

static void on_look(void *data)
{
	struct look *look = data;
	if (look->holds(look->data) || clock_monotonic_ms() >= look->deadline_ms)
		loop_stop(look->loop);
	else
		loop_timer_start(look->timer, 2);
}

bool run_loop(struct loop *loop, bool (*holds)(void *data), void *data, int64_t ms)
{
	struct look look = {
	    .loop = loop, .holds = holds, .data = data, .deadline_ms = clock_monotonic_ms() + ms};
	look.timer = loop_timer_create(loop, on_look, &look, NULL);
	loop_timer_start(look.timer, 0);
	loop_run(loop);
	loop_timer_destroy(look.timer);
	return holds(data);
}

void run_loop_until(struct loop *loop, bool (*holds)(void *data), void *data)
{
	assert_true(run_loop(loop, holds, data, SUPPORT_DEADLINE_MS));
}

/* ---- an emulator that the configuration knows ---- */

static const struct config_key no_keys[] = {{0}};

static json_t *resolve(const json_t *emulator_section, const json_t *target_section, struct error *error)
{
	(void) emulator_section;
	(void) target_section;
	(void) error;
	return json_object();
}

static json_t *describe_channels(const json_t *settings)
{
	(void) settings;
	return json_object();
}

static const struct config_emulator fake_emulator = {
    .name = "fake",
    .emulator_keys = no_keys,
    .target_keys = no_keys,
    .resolve = resolve,
    .describe_channels = describe_channels,
};

static struct config *load_config(const struct scratch *scratch)
{
	static const struct config_emulator *const emulators[] = {&fake_emulator, NULL};
	scratch_write(scratch, "pigweed.json",
		      "{\"pw\":{\"pw_emu\":{\"targets\":{\"board\":{\"fake\":{}}}}},"
		      "\"server\":{\"limits\":{\"stop_timeout\":0.1}}}");
	cleanup_free char *path = text_format("%s/pigweed.json", scratch->path);
	struct config_report report = {0};
	struct config *config = config_load(path, emulators, &report);
	for (size_t i = 0; i < report.count; i++)
		print_message("%s: %s\n", report.problems[i].key, report.problems[i].message);
	config_report_finish(&report);
	assert_non_null(config);
	return config;
}

/* ---- the fleet ---- */

static int open_firmware(const json_t *file, const json_t *resolved, struct fleet_firmware *ret_firmware,
			 struct error *error, void *data)
{
	(void) resolved;
	(void) data;
	if (!file || json_is_null(file))
		return 0;
	if (!json_is_string(file))
		return error_set(error, -ENOENT, "file_not_found", "no such file");
	*ret_firmware = (struct fleet_firmware){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
						.file = json_incref((json_t *) file)};
	return 0;
}

static void on_change(const struct fleet_change *change, void *data)
{
	static const char *const kinds[] = {
	    [FLEET_CREATED] = "created", [FLEET_STATE] = "state", [FLEET_DELETED] = "deleted"};
	struct fleet_fixture *fixture = data;
	size_t length = strlen(fixture->told);
	snprintf(fixture->told + length, sizeof(fixture->told) - length, "%s %s: %s -> %s %lld by %s\n",
		 board_id(change->board), kinds[change->kind], change->previous ? change->previous : "-",
		 board_state(change->board), (long long) board_start_number(change->board),
		 change->actor ? change->actor : "-");
}

static void on_ready(void *data)
{
	struct fleet_fixture *fixture = data;
	fixture->ready = true;
}

static bool is_ready(void *data)
{
	struct fleet_fixture *fixture = data;
	return fixture->ready;
}

static void limit_descriptors(const struct rlimit *before, int spare)
{
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit few = {.rlim_cur = (rlim_t) (next + spare), .rlim_max = before->rlim_max};
	close(next);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

void fleet_fixture_open(struct fleet_fixture *fixture)
{
	static char program[256];
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	cleanup_free char *database = text_format("%s/emud.db", fixture->scratch.path);
	struct error error;
	fixture->store = store_open(database, &error);
	assert_non_null(fixture->store);
	const struct fleet_options options = {
	    .loop = fixture->loop,
	    .log = fixture->log,
	    .store = fixture->store,
	    .state_dir = fixture->scratch.path,
	    .shim_program = program,
	    .open_firmware = open_firmware,
	    .on_change = on_change,
	    .data = fixture,
	};
	fixture->fleet = fleet_create(&options, fixture->config, &error);
	assert_non_null(fixture->fleet);
	fixture->ready = false;
	struct rlimit before;
	getrlimit(RLIMIT_NOFILE, &before);
	if (fixture->spare_descriptors >= 0)
		limit_descriptors(&before, fixture->spare_descriptors);
	int result = fleet_recover(fixture->fleet, on_ready, fixture, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(result, 0);
}

void fleet_fixture_close(struct fleet_fixture *fixture)
{
	fleet_destroy(TAKE(fixture->fleet));
	store_close(TAKE(fixture->store));
}

void fleet_fixture_restart(struct fleet_fixture *fixture)
{
	fleet_fixture_close(fixture);
	fleet_fixture_open(fixture);
	run_loop_until(fixture->loop, is_ready, fixture);
}

struct fleet_fixture *fleet_fixture_create(void)
{
	struct fleet_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	fixture->spare_descriptors = -1;
	fixture->loop = loop_create(NULL);
	fixture->log = log_create(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_KEY_VALUE);
	fixture->config = load_config(&fixture->scratch);
	cleanup_free char *part = text_format("%s/part", fixture->scratch.path);
	setenv("FAKE_SHIM", part, 1);
	shims_play("run");
	fleet_fixture_open(fixture);
	run_loop_until(fixture->loop, is_ready, fixture);
	return fixture;
}

void fleet_fixture_destroy(struct fleet_fixture *fixture)
{
	fleet_fixture_close(fixture);
	config_unref(fixture->config);
	loop_destroy(fixture->loop);
	log_destroy(fixture->log);
	scratch_remove(&fixture->scratch);
	free(fixture);
}

/* In a file: one that stands ready was started before its part was known. */
void shims_play(const char *part)
{
	cleanup_close int fd = open(getenv("FAKE_SHIM"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, part, strlen(part)), strlen(part));
}

struct board *make_board(struct fleet_fixture *fixture, const char *id)
{
	cleanup_json json_t *spec = json_pack("{s:s, s:[], s:b}", "target", "board", "args", "paused", 0);
	const struct board_request request = {.id = id, .spec = spec};
	struct error error;
	struct board *board = fleet_make_board(fixture->fleet, &request, &error);
	if (!board)
		fail_msg("%s", error.message);
	return board;
}

void start_board(struct board *board)
{
	const struct board_start start = {.paused = -1};
	struct error error;
	if (board_start(board, &start, &error) < 0)
		fail_msg("%s", error.message);
}

struct state_look {
	struct fleet_fixture *fixture;
	const char *id, *state;
	bool seen;
};

static bool is_in_state(void *data)
{
	struct state_look *look = data;
	struct board *board = fleet_find(look->fixture->fleet, look->id);
	return board ? text_equal(board_state(board), look->state) : !look->state;
}

static enum board_progress judge_state(const struct board *board, void *data)
{
	struct state_look *look = data;
	return text_equal(board_state(board), look->state) ? BOARD_REACHED : BOARD_PENDING;
}

static void on_judged(struct board *board, enum board_wait_result result, void *data)
{
	(void) board;
	((struct state_look *) data)->seen = result == BOARD_WAIT_DONE;
}

static bool is_seen(void *data)
{
	return ((struct state_look *) data)->seen;
}

/* Of a board that is there, every change is judged: a state may last no longer than a turn of the loop. */
void wait_for_state(struct fleet_fixture *fixture, const char *id, const char *state)
{
	static struct state_look look;
	look = (struct state_look){.fixture = fixture, .id = id, .state = state};
	struct board *board = fleet_find(fixture->fleet, id);
	struct error error;
	if (!board || !state) {
		run_loop_until(fixture->loop, is_in_state, &look);
		return;
	}
	assert_non_null(board_wait_begin(board, judge_state, SUPPORT_DEADLINE_MS, on_judged, &look, &error));
	run_loop_until(fixture->loop, is_seen, &look);
}

struct board *run_board(struct fleet_fixture *fixture, const char *id)
{
	struct board *board = make_board(fixture, id);
	start_board(board);
	wait_for_state(fixture, id, "running");
	return board;
}

char *read_cookie(const struct board *board)
{
	struct spec spec;
	assert_int_equal(spec_read(board_dirfd(board), &spec, NULL), 0);
	char *entry = text_format("EMUD_COOKIE=%s", spec.cookie);
	spec_finish(&spec);
	return entry;
}

static void count_living(const struct proc_stat *stat, void *data)
{
	*(int *) data += !proc_stat_is_dead(stat);
}

bool cookie_is_gone(void *cookie)
{
	int count = 0;
	proc_walk_environment(cookie, count_living, &count);
	return count == 0;
}

/* ---- the shim ---- */

struct player {
	struct shim_order order;
	struct spec spec;
	char *part;
	int connection;
};

static json_t *make_status(const struct player *player, const char *state)
{
	return json_pack("{s:I, s:s, s:n, s:{}, s:{s:{s:i}}}", "start_number",
			 (json_int_t) player->spec.start_number, "state", state, "exit", "channels",
			 "processes", "fake", "pid", (int) getpid());
}

static void say(const struct player *player, json_t *json)
{
	cleanup_buffer struct buffer line = {0};
	json_lines_append(&line, json);
	json_decref(json);
	(void) !write(player->connection, line.data, line.length);
}

static void end_in_order(const struct player *player)
{
	cleanup_json json_t *status = make_status(player, "exited");
	json_object_set_new(status, "ended_at", json_string("2020-02-02T02:02:02.020Z"));
	json_object_set_new(
	    status, "exit",
	    json_pack("{s:i, s:n, s:s, s:n}", "code", 0, "signal", "reason", "stopped", "detail"));
	exit_record_write(player->order.state_fd, status, NULL);
	if (!text_equal(player->part, "mute end"))
		say(player, shim_event_make("state", status));
	_exit(0);
}

/* A child that would run on for ever, in a session of its own, with the shim's environment. */
static void leave_a_child(void)
{
	if (fork())
		return;
	setsid();
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	char *argv[] = {"sleep", "1000", NULL};
	execv("/bin/sleep", argv);
	_exit(127);
}

static void answer(struct player *player, const json_t *json)
{
	struct shim_request request;
	if (shim_request_parse(json, &request, NULL) < 0)
		_exit(3);
	if (text_equal(request.command, "die"))
		_exit(9);
	cleanup_json json_t *empty = json_object();
	if (text_equal(request.command, "hang up")) {
		close(player->connection);
		player->connection = -1;
		return;
	}
	say(player, shim_reply_make(request.id, empty));
	if (text_equal(request.command, "stop"))
		end_in_order(player);
}

static void serve(struct player *player)
{
	struct json_lines lines;
	struct error error = {0};
	char bytes[4096];
	json_lines_init(&lines, sizeof(bytes));
	cleanup_json json_t *status = make_status(player, "running");
	say(player, shim_greeting_make(status));
	while (player->connection >= 0) {
		ssize_t count = read(player->connection, bytes, sizeof(bytes));
		if (count <= 0)
			break;
		json_lines_feed(&lines, bytes, (size_t) count, &error);
		while (player->connection >= 0) {
			cleanup_json json_t *json = json_lines_next(&lines, &error);
			if (!json)
				break;
			answer(player, json);
		}
	}
	json_lines_finish(&lines);
	close(player->connection);
}

int play_shim(void)
{
	struct player player = {0};
	signal(SIGPIPE, SIG_IGN);
	/* No test may leave one behind for long. */
	alarm(50);
	/* Whoever reads what the tests print must not wait for one that they left behind. */
	int nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
	if (shim_order_receive(SHIM_ORDER_FD, &player.order, NULL) < 0)
		return 1;
	if (spec_read(player.order.state_fd, &player.spec, NULL) < 0 ||
	    file_read(AT_FDCWD, getenv("FAKE_SHIM"), 64, &player.part, NULL, NULL) < 0)
		return 2;
	fcntl(player.order.listen_fd, F_SETFL, 0);
	if (text_equal(player.part, "fork"))
		leave_a_child();
	if (text_equal(player.part, "silent"))
		for (;;)
			pause();
	for (;;) {
		player.connection = accept4(player.order.listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (player.connection < 0)
			return 4;
		if (text_equal(player.part, "hang")) {
			cleanup_json json_t *status = make_status(&player, "running");
			say(&player, shim_greeting_make(status));
			leave_a_child();
			raise(SIGSTOP);
		}
		serve(&player);
	}
}
