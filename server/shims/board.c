#include "server/shims/board.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/handles/handles.h"
#include "core/handles/spec.h"
#include "core/loop/listener.h"
#include "core/process/sweep.h"
#include "server/shims/board_waits.h"
#include "server/shims/fleet_internal.h"
#include "server/shims/shim_spawn.h"
#include "server/shims/start_files.h"
#include "server/shims/state_directory.h"
#include "server/store/instances.h"

#include <fcntl.h>
#include <string.h>

struct board {
	struct fleet *fleet;
	struct instance_row row;
	json_t *asked;         /* what the client asked: never changes */
	json_t *spec, *labels; /* the same with the file and args in force */
	json_t *status;        /* of the current start, as its shim told it last; NULL: none */
	int dirfd;
	struct shim_link *link;
	char *cookie; /* of the current start */
	struct board_waits *waits;
	bool settled; /* its state is known to be true */

	bool restarting;
	json_t *next_file, *next_args; /* of the start that follows a stop */
	int next_paused;

	bool deleting;
	void (*on_deleted)(const struct error *error, void *data);
	void *deleted_data;
};

static const struct shim_link_events link_events;
static int begin_start(struct board *board, struct error *error);
static void set_lost(struct board *board, const char *reason, const char *detail);
static void finish_delete(struct board *board);

/* ---- what is known ---- */

const char *board_id(const struct board *board)
{
	return board->row.id;
}

const char *board_path(const struct board *board)
{
	return board->row.path;
}

const char *board_state(const struct board *board)
{
	return board->row.state;
}

const char *board_target(const struct board *board)
{
	return board->row.target;
}

int64_t board_start_number(const struct board *board)
{
	return board->row.start_number;
}

const json_t *board_spec(const struct board *board)
{
	return board->spec;
}

const json_t *board_asked(const struct board *board)
{
	return board->asked;
}

const json_t *board_labels(const struct board *board)
{
	return board->labels;
}

const json_t *board_channels(const struct board *board)
{
	return json_object_get(board->status, "channels");
}

const json_t *board_processes(const struct board *board)
{
	return json_object_get(board->status, "processes");
}

int board_dirfd(const struct board *board)
{
	return board->dirfd;
}

static bool is(const struct board *board, const char *state)
{
	return text_equal(board->row.state, state);
}

bool board_is_live(const struct board *board)
{
	return is(board, "running") || is(board, "paused");
}

bool board_is_over(const struct board *board)
{
	return is(board, "created") || is(board, "exited") || is(board, "failed");
}

bool board_is_settled(const struct board *board)
{
	return board->settled;
}

static void set_time(json_t *json, const char *key, int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(wall_ms, text);
	json_object_set_new(json, key, wall_ms ? json_string(text) : json_null());
}

/* What the last status says, or what stands for it where there is none. */
static void set_from_status(json_t *json, const json_t *status, const char *key, json_t *otherwise)
{
	json_t *value = json_object_get(status, key);
	if (value)
		json_object_set(json, key, value);
	else
		json_object_set(json, key, otherwise);
	json_decref(otherwise);
}

json_t *board_to_json(const struct board *board)
{
	const struct instance_row *row = &board->row;
	const json_t *paused_by = is(board, "paused") ? json_object_get(board->status, "paused_by") : NULL;
	json_t *args = json_object_get(board->spec, "args");
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O?, s:I, s:O?, s:o, s:O}", "id", row->id,
				 "path", row->path, "target", row->target, "emulator", row->emulator, "state",
				 row->state, "paused_by", paused_by, "start_number",
				 (json_int_t) row->start_number, "file", json_object_get(board->spec, "file"),
				 "args", args ? json_incref(args) : json_array(), "labels", board->labels);
	set_time(json, "created_at", row->created_at_ms);
	set_time(json, "started_at", row->started_at_ms);
	set_time(json, "ended_at", row->ended_at_ms);
	json_t *exit = row->exit ? json_loads(row->exit, 0, NULL) : NULL;
	json_object_set_new(json, "exit", exit ? exit : json_null());
	set_from_status(json, board->status, "channels", json_object());
	set_from_status(json, board->status, "processes", json_object());
	set_from_status(json, board->status, "gdb", json_null());
	set_from_status(json, board->status, "command", json_null());
	return json;
}

/* ---- changes ---- */

static void save(struct board *board)
{
	struct error error;
	if (instances_update(fleet_options(board->fleet)->store, &board->row, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_ERROR, "store.failed", "instance",
			  board->row.id, "detail", error.message, NULL);
}

static void set_state(struct board *board, const char *state)
{
	char *copy = strdup(state);
	if (!copy)
		return;
	free(board->row.state);
	board->row.state = copy;
}

static void set_exit(struct board *board, const json_t *exit)
{
	free(board->row.exit);
	board->row.exit = exit && !json_is_null(exit) ? json_to_text(exit) : NULL;
}

static void log_state(struct board *board)
{
	char number[24];
	snprintf(number, sizeof(number), "%lld", (long long) board->row.start_number);
	cleanup_json json_t *exit = board->row.exit ? json_loads(board->row.exit, 0, NULL) : NULL;
	log_event(fleet_options(board->fleet)->log, LOG_LEVEL_INFO, "instance.state", "instance",
		  board->row.id, "state", board->row.state, "start_number", number, "reason",
		  json_member_string(exit, "reason", NULL), "detail",
		  json_member_string(exit, "detail", NULL), NULL);
}

/* After every change: kept, logged, told to whoever waits. What a stop was made for goes on here. */
static void changed(struct board *board)
{
	save(board);
	log_state(board);
	if (board->deleting && board_is_over(board)) {
		finish_delete(board);
		return;
	}
	if (board->restarting && board_is_over(board)) {
		struct error error;
		board->restarting = false;
		int64_t number = board->row.start_number;
		if (begin_start(board, &error) < 0 && board->row.start_number == number)
			set_lost(board, "start_failed", error.message);
		return;
	}
	board_waits_look(board->waits);
	fleet_board_changed(board->fleet, board);
}

/* The current start has ended; status is the shim's last word or its exit.json. */
static void set_ended(struct board *board, json_t *status)
{
	shim_link_destroy(TAKE(board->link));
	json_t *kept = json_incref(status);
	json_decref(board->status);
	board->status = kept;
	json_object_set_new(kept, "processes", json_object());
	set_state(board, json_member_string(kept, "state", "failed"));
	set_exit(board, json_object_get(kept, "exit"));
	board->row.ended_at_ms = clock_wall_ms();
	board->row.phase = board->deleting ? INSTANCE_DELETING : INSTANCE_IDLE;
	board->settled = true;
	changed(board);
}

/* It ended without a word of its shim. */
static void set_lost(struct board *board, const char *reason, const char *detail)
{
	cleanup_json json_t *status = board->status ? json_deep_copy(board->status) : json_object();
	json_object_set_new(status, "state", json_string("failed"));
	json_object_set_new(
	    status, "exit",
	    json_pack("{s:n, s:n, s:s, s:s}", "code", "signal", "reason", reason, "detail", detail));
	json_t *channels = json_object_get(status, "channels");
	const char *name;
	json_t *channel;
	json_object_foreach (channels, name, channel) {
		json_object_del(channel, "host");
		json_object_del(channel, "port");
		json_object_del(channel, "path");
	}
	set_ended(board, status);
}

/* Nothing of an instance whose shim was killed may run on, or be found by `pw emu`. */
static void clear_remains(struct board *board)
{
	if (board->cookie)
		sweep_cookie(board->cookie);
	if (board->dirfd < 0)
		return;
	const char *name;
	json_t *process;
	json_object_foreach (json_object_get(board->status, "processes"), name, process) {
		cleanup_free char *file = text_format("%s.pid", name);
		if (file)
			unlinkat(board->dirfd, file, 0);
	}
	handles_remove(board->dirfd);
}

static void on_shim_gone(struct board *board)
{
	cleanup_json json_t *record =
	    board->dirfd >= 0 ? exit_record_read(board->dirfd, board->row.start_number) : NULL;
	if (record) {
		set_ended(board, record);
		return;
	}
	clear_remains(board);
	set_lost(board, "supervisor_lost",
		 "the instance's emud-shim was killed; its processes were ended with it");
}

static void on_link_end(void *data)
{
	on_shim_gone(data);
}

static void on_status(const json_t *status, void *data)
{
	struct board *board = data;
	const char *state = json_member_string(status, "state", "");
	if (json_member_integer(status, "start_number", -1) != board->row.start_number) {
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "shim.stranger", "instance",
			  board->row.id, NULL);
		return;
	}
	bool over = text_equal(state, "exited") || text_equal(state, "failed");
	cleanup_json json_t *copy = json_deep_copy(status);
	if (over) {
		set_ended(board, copy);
		return;
	}
	bool same = text_equal(state, board->row.state) && board->settled;
	json_decref(board->status);
	board->status = TAKE(copy);
	board->settled = true;
	/* A stop that was asked for is told before the shim has heard of it. */
	if (!is(board, "stopping"))
		set_state(board, state);
	if (board_is_live(board))
		board->row.phase = INSTANCE_IDLE;
	if (!same)
		changed(board);
}

static const struct shim_link_events link_events = {.on_status = on_status, .on_end = on_link_end};

/* ---- start ---- */

static json_t *resolve(struct board *board, struct error *error)
{
	json_t *resolved = board->dirfd >= 0 ? start_files_read_resolved(board->dirfd, NULL) : NULL;
	if (json_object_get(resolved, "settings"))
		return resolved;
	json_decref(resolved);
	return config_resolve(fleet_config(board->fleet), board->row.target, board->row.emulator, error);
}

static int write_files(struct board *board, const json_t *resolved, const json_t *file, struct error *error)
{
	const struct fleet_options *options = fleet_options(board->fleet);
	struct config *config = fleet_config(board->fleet);
	const struct start_order order = {
	    .id = board->row.id,
	    .start_number = board->row.start_number,
	    .boot_id = fleet_boot_id(board->fleet),
	    .resolved = resolved,
	    .file = file,
	    .args = json_object_get(board->spec, "args"),
	    .paused = board->next_paused >= 0 ? board->next_paused
					      : json_member_boolean(board->spec, "paused", false),
	    .debug = json_member_boolean(board->spec, "debug", false),
	    .raw_channels = options->raw_channels,
	    .config = config,
	    .working_directory = options->bundled ? NULL : config_directory(config),
	};
	free(TAKE(board->cookie));
	return start_files_write_spec(board->dirfd, &order, &board->cookie, error);
}

static int spawn(struct board *board, int firmware_fd, struct error *error)
{
	const struct fleet_options *options = fleet_options(board->fleet);
	cleanup_close int listen_fd = listener_open_unix(board->dirfd, "control.sock", error);
	if (listen_fd < 0)
		return listen_fd;
	int result = shim_spawn(options->shim_program, listen_fd, board->dirfd, firmware_fd, error);
	if (result < 0)
		return result;
	board->link = shim_link_connect(options->loop, board->dirfd, &link_events, board, error);
	return board->link ? 0 : error->number;
}

/* Puts the row to a new start before anything of it exists, so that a kill in the middle is seen. */
static void enter_start(struct board *board)
{
	board->row.start_number++;
	board->row.phase = INSTANCE_STARTING;
	board->row.started_at_ms = clock_wall_ms();
	board->row.ended_at_ms = 0;
	set_exit(board, NULL);
	json_decref(TAKE(board->status));
	set_state(board, "starting");
	free(board->row.boot_id);
	board->row.boot_id = strdup(fleet_boot_id(board->fleet));
}

/* Keeps what was asked, and the file and args in force beside it, in the row. */
static void keep_spec(struct board *board)
{
	cleanup_json json_t *kept = board_spec_pack(board->asked, json_object_get(board->spec, "file"),
						    json_object_get(board->spec, "args"));
	char *text = kept ? json_to_text(kept) : NULL;
	if (!text)
		return;
	free(board->row.spec);
	board->row.spec = text;
}

static void take_firmware(struct board *board, struct fleet_firmware *firmware)
{
	json_object_set_new(board->spec, "file", firmware->file ? TAKE(firmware->file) : json_null());
	free(board->row.file);
	board->row.file = TAKE(firmware->sha256);
}

static int launch(struct board *board, const json_t *resolved, int firmware_fd, struct error *error)
{
	int result = write_files(board, resolved, json_object_get(board->spec, "file"), error);
	return result ? result : spawn(board, firmware_fd, error);
}

/* Starts with what the board and next_* say. Nothing has changed where it fails before the shim. */
static int begin_start(struct board *board, struct error *error)
{
	const struct fleet_options *options = fleet_options(board->fleet);
	cleanup_json json_t *resolved = resolve(board, error);
	if (!resolved)
		return error->number;
	if (board->dirfd < 0)
		return error_set(error, -ENOENT, "conflict",
				 "the state directory %s is gone: delete the instance", board->row.path);
	const json_t *file = board->next_file ? board->next_file : json_object_get(board->spec, "file");
	struct fleet_firmware firmware = {.fd = -1};
	if (file && !json_is_null(file)) {
		int result = options->open_firmware(file, resolved, &firmware, error, options->data);
		if (result < 0)
			return result;
	}
	cleanup_close int firmware_fd = firmware.fd;
	take_firmware(board, &firmware);
	if (board->next_args)
		json_object_set(board->spec, "args", board->next_args);
	enter_start(board);
	keep_spec(board);
	save(board);
	int result = launch(board, resolved, firmware_fd, error);
	json_decref(TAKE(board->next_file));
	json_decref(TAKE(board->next_args));
	board->next_paused = -1;
	if (result < 0) {
		set_lost(board, "start_failed", error->message);
		return result;
	}
	log_state(board);
	board_waits_look(board->waits);
	return 0;
}

static void note_start(struct board *board, const struct board_start *start)
{
	json_decref(board->next_file);
	json_decref(board->next_args);
	board->next_file = start->file ? json_deep_copy(start->file) : NULL;
	board->next_args = start->args ? json_deep_copy(start->args) : NULL;
	board->next_paused = start->paused;
}

static int check_room(const struct board *board, struct error *error)
{
	const struct config_limits *limits = &config_server(fleet_config(board->fleet))->limits;
	if (fleet_count_live(board->fleet) < limits->running_instances)
		return 0;
	return error_set(
	    error, -EAGAIN, "too_many_instances",
	    "%llu instances run already (limits.running_instances): stop one, or try again later",
	    (unsigned long long) limits->running_instances);
}

int board_start(struct board *board, const struct board_start *start, struct error *error)
{
	if (board->deleting || board->restarting || is(board, "stopping"))
		return error_set(error, -EBUSY, "instance_busy", "%s is %s: wait for that to end",
				 board->row.id,
				 board->deleting     ? "being deleted"
				 : board->restarting ? "restarting"
						     : "stopping");
	if (!board_is_over(board))
		return error_set(error, -EALREADY, "already_running", "%s is %s already", board->row.id,
				 board->row.state);
	int result = check_room(board, error);
	if (result < 0)
		return result;
	note_start(board, start);
	return begin_start(board, error);
}

/* ---- stop, restart, delete ---- */

/* What comes of it is told by the status. */
static void on_quiet_done(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	(void) data;
}

int board_stop(struct board *board, struct error *error)
{
	if (!board->deleting)
		board->restarting = false;
	if (board_is_over(board) || is(board, "stopping"))
		return 0;
	if (!board->link) {
		on_shim_gone(board);
		return 0;
	}
	const uint64_t timeout_ms = 10000;
	if (!shim_link_request(board->link, "stop", NULL, timeout_ms, on_quiet_done, NULL, error))
		return error->number;
	set_state(board, "stopping");
	changed(board);
	return 0;
}

int board_restart(struct board *board, const struct board_start *start, struct error *error)
{
	if (board->deleting || board->restarting || is(board, "stopping") || is(board, "starting"))
		return error_set(error, -EBUSY, "instance_busy", "%s is %s: wait for that to end",
				 board->row.id, board->deleting ? "being deleted" : board->row.state);
	if (!board_is_live(board))
		return error_set(error, -ESRCH, "not_running", "%s is %s, not running: start it",
				 board->row.id, board->row.state);
	const struct fleet_options *options = fleet_options(board->fleet);
	if (start->file) {
		/* A file that is wrong must not cost a running board its life. */
		cleanup_json json_t *resolved = resolve(board, error);
		struct fleet_firmware firmware = {.fd = -1};
		if (!resolved ||
		    options->open_firmware(start->file, resolved, &firmware, error, options->data) < 0)
			return error->number;
		close(firmware.fd);
		json_decref(firmware.file);
		free(firmware.sha256);
	}
	int result = board_stop(board, error);
	if (result < 0)
		return result;
	note_start(board, start);
	board->restarting = true;
	return 0;
}

static int remove_directory(struct board *board, struct error *error)
{
	return board->dirfd < 0 ? 0 : state_directory_remove(board->row.path, board->dirfd, error);
}

static void finish_delete(struct board *board)
{
	struct error error;
	struct fleet *fleet = board->fleet;
	void (*on_deleted)(const struct error *error, void *data) = board->on_deleted;
	void *data = board->deleted_data;
	int result = remove_directory(board, &error);
	if (!result)
		result = instances_delete(fleet_options(fleet)->store, board->row.id, &error);
	if (result < 0) {
		/* It stays, as deleting: the next start of emud, or the next DELETE, tries again. */
		board->deleting = false;
		log_event(fleet_options(fleet)->log, LOG_LEVEL_ERROR, "instance.delete_failed", "instance",
			  board->row.id, "detail", error.message, NULL);
	} else {
		log_event(fleet_options(fleet)->log, LOG_LEVEL_INFO, "instance.deleted", "instance",
			  board->row.id, NULL);
		fleet_remove(fleet, board);
		board_destroy(board);
	}
	if (on_deleted)
		on_deleted(result < 0 ? &error : NULL, data);
}

int board_delete(struct board *board, void (*on_deleted)(const struct error *error, void *data), void *data,
		 struct error *error)
{
	if (board->deleting)
		return error_set(error, -EBUSY, "instance_busy", "%s is being deleted already",
				 board->row.id);
	board->restarting = false;
	board->deleting = true;
	board->on_deleted = on_deleted;
	board->deleted_data = data;
	board->row.phase = INSTANCE_DELETING;
	save(board);
	if (board_is_over(board)) {
		finish_delete(board);
		return 0;
	}
	int result = board_stop(board, error);
	if (result < 0)
		board->deleting = false;
	return result;
}

struct shim_call *board_command(struct board *board, const char *command, const json_t *arguments,
				uint64_t timeout_ms, shim_done *on_done, void *data, struct error *error)
{
	if (is(board, "starting") || board->restarting || board->deleting) {
		error_set(error, -EBUSY, "instance_busy", "%s is %s: wait for that to end", board->row.id,
			  board->deleting ? "being deleted" : board->row.state);
		return NULL;
	}
	if (!board_is_live(board) || !board->link) {
		error_set(error, -ESRCH, "not_running", "%s is %s, not running: start it first",
			  board->row.id, board->row.state);
		return NULL;
	}
	return shim_link_request(board->link, command, arguments, timeout_ms, on_done, data, error);
}

int board_command_quietly(struct board *board, const char *command, uint64_t timeout_ms, struct error *error)
{
	return board_command(board, command, NULL, timeout_ms, on_quiet_done, NULL, error) ? 0
											   : error->number;
}

struct board_waits *board_waits_of(struct board *board)
{
	return board->waits;
}

bool board_start_failure(const struct board *board, struct error *ret_error)
{
	cleanup_json json_t *exit = board->row.exit ? json_loads(board->row.exit, 0, NULL) : NULL;
	const char *reason = json_member_string(exit, "reason", "");
	if (!is(board, "failed") || !text_equal(reason, "start_failed"))
		return false;
	error_set(ret_error, -EREMOTEIO, "start_failed", "%s",
		  json_member_string(exit, "detail", "no reason given"));
	return true;
}

/* ---- coming and going ---- */

json_t *board_spec_pack(const json_t *asked, const json_t *file, const json_t *args)
{
	return json_pack("{s:O, s:O?, s:O?}", "asked", asked, "file", file, "args", args);
}

struct board *board_make(struct fleet *fleet, struct instance_row *row, struct error *error)
{
	struct board *board = calloc(1, sizeof(*board));
	if (!board) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	board->fleet = fleet;
	board->row = *row;
	*row = (struct instance_row){0};
	board->next_paused = -1;
	cleanup_json json_t *kept = json_parse(board->row.spec, strlen(board->row.spec), error);
	board->asked = json_incref(json_object_get(kept, "asked"));
	board->spec = json_copy(board->asked);
	json_object_set(board->spec, "file", json_object_get(kept, "file"));
	json_object_set(board->spec, "args", json_object_get(kept, "args"));
	board->labels = json_parse(board->row.labels, strlen(board->row.labels), error);
	board->waits = board_waits_create(fleet_options(fleet)->loop, board, error);
	board->dirfd = open(board->row.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	board->settled = board_is_over(board);
	if (board->spec && board->labels && board->waits)
		return board;
	board_destroy(board);
	return NULL;
}

void board_destroy(struct board *board)
{
	if (!board)
		return;
	board_waits_destroy(board->waits);
	shim_link_destroy(board->link);
	json_decref(board->asked);
	json_decref(board->spec);
	json_decref(board->labels);
	json_decref(board->status);
	json_decref(board->next_file);
	json_decref(board->next_args);
	free(board->cookie);
	instance_row_finish(&board->row);
	if (board->dirfd >= 0)
		close(board->dirfd);
	free(board);
}

/* A start that emud's end interrupted, and of which no shim is left: it is begun again under the same number.
 */
static void redo_start(struct board *board)
{
	struct error error;
	if (board->cookie)
		sweep_cookie(board->cookie);
	board->row.start_number--;
	if (begin_start(board, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "instance.start_failed",
			  "instance", board->row.id, "detail", error.message, NULL);
}

static void recover_live(struct board *board, const char *boot_id)
{
	struct error error;
	json_decref(start_files_read_resolved(board->dirfd, &board->cookie));
	if (!text_equal(board->row.boot_id, boot_id)) {
		cleanup_json json_t *record = exit_record_read(board->dirfd, board->row.start_number);
		if (record)
			set_ended(board, record);
		else
			set_lost(board, "host_restarted", "the host was restarted while the instance ran");
		return;
	}
	board->link =
	    shim_link_connect(fleet_options(board->fleet)->loop, board->dirfd, &link_events, board, &error);
	if (board->link)
		return;
	cleanup_json json_t *record = exit_record_read(board->dirfd, board->row.start_number);
	if (!record && board->row.phase == INSTANCE_STARTING && is(board, "starting"))
		redo_start(board);
	else
		on_shim_gone(board);
}

void board_recover(struct board *board, const char *boot_id)
{
	bool delete_too = board->row.phase == INSTANCE_DELETING;
	if (board->dirfd < 0 && !delete_too) {
		set_lost(board, "supervisor_lost", "the state directory is gone");
		return;
	}
	if (!board_is_over(board))
		recover_live(board, boot_id);
	else
		board->status = exit_record_read(board->dirfd, board->row.start_number);
	struct error error;
	if (delete_too && board_delete(board, NULL, NULL, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "instance.delete_failed",
			  "instance", board->row.id, "detail", error.message, NULL);
}
