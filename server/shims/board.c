#include "server/shims/board.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/shared_text.h"
#include "core/base/text.h"
#include "server/shims/adoptable.h"
#include "server/shims/board_internal.h"
#include "server/shims/board_waits.h"

#include <string.h>

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

const char *board_emulator(const struct board *board)
{
	return board->row.emulator;
}

int64_t board_start_number(const struct board *board)
{
	return board->row.start_number;
}

int64_t board_state_since_ms(const struct board *board)
{
	if (board_is_in(board, "created"))
		return board->row.created_at_ms;
	if (board_is_in(board, "starting"))
		return board->row.started_at_ms;
	if (board_is_in(board, "stopping"))
		return board->stop_asked_ms;
	return board_is_over(board) ? board->row.ended_at_ms : 0;
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

const json_t *board_command_line(const struct board *board)
{
	return json_object_get(board->status, "command");
}

int board_dirfd(const struct board *board)
{
	return board->dirfd;
}

json_t *board_exit(const struct board *board)
{
	return board->row.exit ? json_loads(board->row.exit, 0, NULL) : NULL;
}

bool board_is_in(const struct board *board, const char *state)
{
	return text_equal(board->row.state, state);
}

bool board_is_live(const struct board *board)
{
	return board_is_in(board, "running") || board_is_in(board, "paused");
}

bool board_is_over(const struct board *board)
{
	return board_is_in(board, "created") || board_is_in(board, "exited") || board_is_in(board, "failed");
}

bool board_is_adopted(const struct board *board)
{
	return json_member_boolean(board->asked, "adopt", false);
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

/* As it was named; what is ours lies in a folder of its own there where it is adopted. */
static json_t *told_path(const struct board *board)
{
	const char *path = board->row.path;
	size_t folder = board_is_adopted(board) ? sizeof("/" ADOPTABLE_FOLDER) - 1 : 0;
	return json_stringn(path, strlen(path) - folder);
}

const char *board_paused_by(const struct board *board)
{
	return board_is_in(board, "paused") ? json_member_string(board->status, "paused_by", NULL) : NULL;
}

json_t *board_to_json(const struct board *board)
{
	const struct instance_row *row = &board->row;
	json_t *args = json_object_get(board->spec, "args");
	json_t *json =
	    json_pack("{s:s, s:o, s:b, s:s, s:s, s:s, s:s?, s:I, s:O?, s:o, s:O}", "id", row->id, "path",
		      told_path(board), "adopted", board_is_adopted(board), "target", row->target, "emulator",
		      row->emulator, "state", row->state, "paused_by", board_paused_by(board), "start_number",
		      (json_int_t) row->start_number, "file", json_object_get(board->spec, "file"), "args",
		      args ? json_incref(args) : json_array(), "labels", board->labels);
	set_time(json, "created_at", row->created_at_ms);
	set_time(json, "started_at", row->started_at_ms);
	set_time(json, "ended_at", row->ended_at_ms);
	json_t *exit = board_exit(board);
	json_object_set_new(json, "exit", exit ? exit : json_null());
	set_from_status(json, board->status, "channels", json_object());
	set_from_status(json, board->status, "processes", json_object());
	set_from_status(json, board->status, "gdb", json_null());
	set_from_status(json, board->status, "command", json_null());
	return json;
}

struct shared_text *board_to_text(struct board *board)
{
	if (!board->text) {
		cleanup_json json_t *json = board_to_json(board);
		char *text = json ? json_to_text(json) : NULL;
		board->text = shared_text_create(text, text ? strlen(text) : 0);
	}
	return board->text;
}

void board_forget_text(struct board *board)
{
	shared_text_unref(TAKE(board->text));
}

/* ---- commands ---- */

void board_take_actor(struct board *board, const char *actor)
{
	free(board->actor);
	board->actor = actor ? strdup(actor) : NULL;
}

void board_set_actor(struct board *board, const char *actor)
{
	if (board_is_live(board) && !board->restarting && !board->deleting)
		board_take_actor(board, actor);
}

bool board_begin_work(struct board *board, const char *actor)
{
	if (board->worker)
		return false;
	board->worker = strdup(actor);
	return board->worker != NULL;
}

void board_end_work(struct board *board)
{
	free(TAKE(board->worker));
}

struct shim_call *board_command(struct board *board, const char *command, const json_t *arguments,
				uint64_t timeout_ms, shim_done *on_done, void *data, struct error *error)
{
	if (board_is_in(board, "starting") || board->restarting || board->deleting) {
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

struct board_waits *board_waits_of(struct board *board)
{
	return board->waits;
}

bool board_start_failure(const struct board *board, struct error *ret_error)
{
	cleanup_json json_t *exit = board_exit(board);
	const char *reason = json_member_string(exit, "reason", "");
	if (!board_is_in(board, "failed") || !text_equal(reason, "start_failed"))
		return false;
	error_set(ret_error, -EREMOTEIO, "start_failed", "%s",
		  json_member_string(exit, "detail", "no reason given"));
	return true;
}

/* ---- coming and going ---- */

json_t *board_spec_pack(const json_t *asked, const json_t *file, const json_t *args, const json_t *resolved,
			const json_t *next)
{
	return json_pack("{s:O, s:O?, s:O?, s:O*, s:O*}", "asked", asked, "file", file, "args", args,
			 "resolved", resolved, "next", next);
}

struct board *board_make(struct fleet *fleet, struct instance_row *row, int dirfd, struct error *error)
{
	struct board *board = calloc(1, sizeof(*board));
	if (!board) {
		if (dirfd >= 0)
			close(dirfd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	board->dirfd = dirfd;
	board->ready.order_fd = -1;
	board->fleet = fleet;
	board->row = *row;
	*row = (struct instance_row){0};
	cleanup_json json_t *kept = json_parse(board->row.spec, strlen(board->row.spec), error);
	board->asked = json_incref(json_object_get(kept, "asked"));
	board->spec = json_copy(board->asked);
	json_object_set(board->spec, "file", json_object_get(kept, "file"));
	json_object_set(board->spec, "args", json_object_get(kept, "args"));
	board->resolved = json_incref(json_object_get(kept, "resolved"));
	board->next = json_incref(json_object_get(kept, "next"));
	board->labels = json_parse(board->row.labels, strlen(board->row.labels), error);
	board->waits = board_waits_create(fleet_options(fleet)->loop, board, error);
	board->settled = board_is_over(board);
	board->told_state = strdup(board->row.state);
	board->told_number = board->row.start_number;
	if (board->spec && board->labels && board->waits && board->told_state)
		return board;
	board_destroy(board);
	return NULL;
}

void board_take_ready(struct board *board, struct shim_handle *handle)
{
	board->ready = *handle;
	handle->order_fd = -1;
}

void board_destroy(struct board *board)
{
	if (!board)
		return;
	board_waits_destroy(board->waits);
	board_sweep_forget(board);
	shim_link_destroy(board->link);
	shim_dismiss(&board->ready);
	loop_timer_destroy(board->stop_deadline);
	loop_timer_destroy(board->retry);
	json_decref(board->asked);
	json_decref(board->spec);
	json_decref(board->resolved);
	json_decref(board->labels);
	json_decref(board->status);
	json_decref(board->next);
	free(board->cookie);
	free(board->actor);
	free(board->worker);
	free(board->told_state);
	shared_text_unref(board->text);
	instance_row_finish(&board->row);
	if (board->dirfd >= 0)
		close(board->dirfd);
	free(board);
}
