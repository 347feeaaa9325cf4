#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/loop/listener.h"
#include "core/shim/order.h"
#include "server/shims/board_waits.h"
#include "server/shims/shim_spawn.h"
#include "server/shims/start_files.h"

#include <string.h>

json_t *board_resolve(struct board *board, struct error *error)
{
	/* Not from spec.json: whoever ran in the state directory may have written another there. */
	if (board->resolved)
		return json_incref(board->resolved);
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
	    .cookie = board->cookie,
	    .resolved = resolved,
	    .file = file,
	    .args = json_object_get(board->spec, "args"),
	    .paused =
		json_member_boolean(board->next, "paused", json_member_boolean(board->spec, "paused", false)),
	    .debug = json_member_boolean(board->spec, "debug", false),
	    .raw_channels = options->raw_channels,
	    .semihosting = json_member_boolean(board->spec, "semihosting", false),
	    .adopt = board_is_adopted(board),
	    .config = config,
	    .cgroup_base = fleet_cgroup_base(board->fleet),
	    .working_directory = options->bundled ? NULL : config_directory(config),
	};
	return start_files_write_spec(board->dirfd, &order, error);
}

/* has_first: its emulator stands ready, with a first order that brought all but the firmware. */
static int give_order(struct board *board, const struct shim_handle *shim, bool has_first, int firmware_fd,
		      struct error *error)
{
	cleanup_close int listen_fd =
	    has_first ? -1 : listener_open_unix(board->dirfd, "control.sock", error);
	if (listen_fd < 0 && !has_first)
		return listen_fd;
	/* Linked first, since a shim that has its order starts whatever becomes of us: the connection waits.
	 */
	board->link = shim_link_connect(fleet_options(board->fleet)->loop, board->dirfd, &board_link_events,
					board, error);
	if (!board->link)
		return error->number;
	const struct shim_order order = {
	    .listen_fd = listen_fd, .state_fd = has_first ? -1 : board->dirfd, .firmware_fd = firmware_fd};
	int result = shim_order_send(shim->order_fd, &order, error);
	if (result < 0)
		shim_link_destroy(TAKE(board->link));
	return result;
}

/* Puts the row to a new start before anything of it exists, so that a kill in the middle is seen. */
static void enter_start(struct board *board)
{
	board->row.start_number++;
	board->row.phase = INSTANCE_STARTING;
	board->row.started_at_ms = clock_wall_ms();
	board->row.ended_at_ms = 0;
	board->stop_asked_ms = 0;
	board_set_exit(board, NULL);
	json_decref(TAKE(board->status));
	board_set_state(board, "starting");
	free(board->row.boot_id);
	board->row.boot_id = strdup(fleet_boot_id(board->fleet));
}

void board_keep_spec(struct board *board)
{
	cleanup_json json_t *kept =
	    board_spec_pack(board->asked, json_object_get(board->spec, "file"),
			    json_object_get(board->spec, "args"), board->resolved, board->next);
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
	struct shim_handle shim = board->ready;
	bool is_ready = shim_is_waiting(&shim);
	board->ready.order_fd = -1;
	if (!is_ready) {
		shim_dismiss(&shim);
		int result = shim_reserve_take(fleet_reserve(board->fleet), &shim, error);
		if (result < 0)
			return result;
	}
	int result = 0;
	free(board->cookie);
	board->cookie = strdup(shim.cookie);
	if (!board->cookie)
		result = error_set(error, -ENOMEM, NULL, "no memory");
	if (!result)
		result = write_files(board, resolved, json_object_get(board->spec, "file"), error);
	if (!result)
		result = give_order(board, &shim, is_ready, firmware_fd, error);
	shim_dismiss(&shim);
	return result;
}

/* Starts with what the board and its next say. Nothing has changed where it fails before the shim. */
int board_begin_start(struct board *board, struct error *error)
{
	const struct fleet_options *options = fleet_options(board->fleet);
	cleanup_json json_t *resolved = board_resolve(board, error);
	if (!resolved)
		return error->number;
	if (board->dirfd < 0)
		return error_set(error, -ENOENT, "conflict",
				 "the state directory %s is gone: delete the instance", board->row.path);
	const json_t *file = json_object_get(board->next, "file");
	if (!file)
		file = json_object_get(board->spec, "file");
	struct fleet_firmware firmware = {.fd = -1};
	int result = board_is_adopted(board)
			 ? 0
			 : options->open_firmware(file, resolved, &firmware, error, options->data);
	if (result < 0)
		return result;
	cleanup_close int firmware_fd = firmware.fd;
	take_firmware(board, &firmware);
	if (json_object_get(board->next, "args"))
		json_object_set(board->spec, "args", json_object_get(board->next, "args"));
	json_decref(board->resolved);
	board->resolved = json_incref(resolved);
	enter_start(board);
	board_keep_spec(board);
	board_save(board);
	board_tell_state(board);
	result = launch(board, resolved, firmware_fd, error);
	if (result < 0) {
		board_set_lost(board, "start_failed", error->message);
		return result;
	}
	board_waits_look(board->waits);
	return 0;
}

void board_note_start(struct board *board, const struct board_start *start)
{
	json_t *next = json_object();
	if (start->file)
		json_object_set(next, "file", (json_t *) start->file);
	if (start->args)
		json_object_set(next, "args", (json_t *) start->args);
	if (start->paused >= 0)
		json_object_set_new(next, "paused", json_boolean(start->paused));
	json_decref(board->next);
	board->next = next;
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

int board_refuse_start(const struct board *board, struct error *error)
{
	return error_set(error, -EPERM, "conflict",
			 "%s was adopted: pw emu started its emulator, and starts it again; then delete the "
			 "instance and PUT it anew",
			 board->row.id);
}

int board_start(struct board *board, const struct board_start *start, struct error *error)
{
	if (board->deleting || board->restarting || board_is_in(board, "stopping"))
		return error_set(error, -EBUSY, "instance_busy", "%s is %s: wait for that to end",
				 board->row.id,
				 board->deleting     ? "being deleted"
				 : board->restarting ? "restarting"
						     : "stopping");
	if (!board_is_over(board))
		return error_set(error, -EALREADY, "already_running", "%s is %s already", board->row.id,
				 board->row.state);
	if (board_is_adopted(board) && board->row.start_number > 0)
		return board_refuse_start(board, error);
	int result = check_room(board, error);
	if (result < 0)
		return result;
	board_note_start(board, start);
	board_take_actor(board, start->actor);
	/* An emulator that runs already has no room for args. */
	if (start->args)
		shim_dismiss(&board->ready);
	result = board_begin_start(board, error);
	shim_dismiss(&board->ready);
	return result;
}
