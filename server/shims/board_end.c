#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "server/shims/adoptable.h"
#include "server/shims/state_directory.h"

/* What comes of it is told by the status. */
static void on_quiet_done(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	(void) data;
}

int board_ask_stop(struct board *board, struct error *error)
{
	const uint64_t timeout_ms = 10000;
	int result = board_watch_stop(board, error);
	if (result < 0)
		return result;
	return shim_link_request(board->link, "stop", NULL, timeout_ms, on_quiet_done, NULL, error)
		   ? 0
		   : error->number;
}

static int begin_stop(struct board *board, struct error *error)
{
	if (board_is_over(board) || board_is_in(board, "stopping"))
		return 0;
	if (!board->link) {
		board_shim_gone(board);
		return 0;
	}
	/* Before it is asked: it may have ended before this goes on. */
	board->stop_asked_ms = clock_wall_ms();
	int result = board_ask_stop(board, error);
	if (result < 0)
		return result;
	board_set_state(board, "stopping");
	board_changed(board);
	return 0;
}

int board_stop(struct board *board, const char *actor, struct error *error)
{
	if (!board_is_over(board))
		board_take_actor(board, actor);
	if (!board->deleting) {
		board->restarting = false;
		board->row.phase = INSTANCE_IDLE;
	}
	return begin_stop(board, error);
}

int board_restart(struct board *board, const struct board_start *start, struct error *error)
{
	if (board->deleting || board->restarting || board_is_in(board, "stopping") ||
	    board_is_in(board, "starting"))
		return error_set(error, -EBUSY, "instance_busy", "%s is %s: wait for that to end",
				 board->row.id, board->deleting ? "being deleted" : board->row.state);
	if (!board_is_live(board))
		return error_set(error, -ESRCH, "not_running", "%s is %s, not running: start it",
				 board->row.id, board->row.state);
	if (board_is_adopted(board))
		return board_refuse_start(board, error);
	const struct fleet_options *options = fleet_options(board->fleet);
	if (start->file && !json_is_null(start->file)) {
		/* A file that is wrong must not cost a running board its life. */
		cleanup_json json_t *resolved = board_resolve(board, error);
		struct fleet_firmware firmware = {.fd = -1};
		if (!resolved ||
		    options->open_firmware(start->file, resolved, &firmware, error, options->data) < 0)
			return error->number;
		close(firmware.fd);
		json_decref(firmware.file);
		free(firmware.sha256);
	}
	/* Kept before the stop is asked for: whoever finds the board stopped knows what was to follow. */
	board_note_start(board, start);
	board_take_actor(board, start->actor);
	board->restarting = true;
	board->row.phase = INSTANCE_RESTARTING;
	board_keep_spec(board);
	board_save(board);
	int result = begin_stop(board, error);
	if (result < 0) {
		board->restarting = false;
		board->row.phase = INSTANCE_IDLE;
		json_decref(TAKE(board->next));
		board_keep_spec(board);
		board_save(board);
	}
	return result;
}

static int remove_directory(struct board *board, struct error *error)
{
	if (board_is_adopted(board))
		adoptable_let_go(board->dirfd);
	return board->dirfd < 0 ? 0 : state_directory_remove(board->row.path, board->dirfd, error);
}

void board_finish_delete(struct board *board)
{
	struct error error;
	struct fleet *fleet = board->fleet;
	void (*on_deleted)(const struct error *error, void *data) = board->on_deleted;
	void *data = board->deleted_data;
	int result = remove_directory(board, &error);
	const struct fleet_change change = {.kind = FLEET_DELETED, .board = board, .actor = board->actor};
	if (!result) /* before the row is gone: see board_changed */
		fleet_tell(fleet, &change);
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

int board_delete(struct board *board, const char *actor,
		 void (*on_deleted)(const struct error *error, void *data), void *data, struct error *error)
{
	if (board->deleting)
		return error_set(error, -EBUSY, "instance_busy", "%s is being deleted already",
				 board->row.id);
	board_take_actor(board, actor);
	board->restarting = false;
	board->deleting = true;
	board->on_deleted = on_deleted;
	board->deleted_data = data;
	board->row.phase = INSTANCE_DELETING;
	board_save(board);
	if (board_is_over(board)) {
		board_finish_delete(board);
		return 0;
	}
	int result = begin_stop(board, error);
	if (result < 0)
		board->deleting = false;
	return result;
}
