#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/handles/spec.h"
#include "server/shims/adoptable.h"
#include "server/shims/start_files.h"
#include "server/shims/state_directory.h"

#include <string.h>

/* A start that emud's end interrupted, and of which no shim is left: it is begun again under the same
 * number. */
static void redo_start(struct board *board)
{
	struct error error;
	int64_t number = board->row.start_number--;
	board->told_number = -1; /* it may not have come to that */
	if (board_begin_start(board, &error) == 0 || board->row.start_number == number)
		return;
	board->row.start_number = number;
	board_set_lost(board, "start_failed", error.message);
}

static void on_retry(void *data)
{
	board_recover(data);
}

/* Short of descriptors or memory is not gone: nothing may be ended for that. */
static void recover_later(struct board *board, const char *detail)
{
	const uint64_t pause_ms = 1000;
	struct fleet *fleet = board->fleet;
	log_event(fleet_options(fleet)->log, LOG_LEVEL_WARNING, "shim.unreachable", "instance", board->row.id,
		  "detail", detail, NULL);
	if (!board->retry)
		board->retry = loop_timer_create(fleet_options(fleet)->loop, on_retry, board, NULL);
	if (board->retry)
		loop_timer_start(board->retry, pause_ms);
}

static void recover_live(struct board *board)
{
	struct error error;
	free(TAKE(board->cookie));
	json_decref(start_files_read_resolved(board->dirfd, &board->cookie));
	if (!text_equal(board->row.boot_id, fleet_boot_id(board->fleet))) {
		/* Its pids are others' by now: nobody may find them. */
		state_directory_clear(board->dirfd);
		if (board_is_adopted(board))
			adoptable_let_go(board->dirfd);
		cleanup_json json_t *record = exit_record_read(board->dirfd, board->row.start_number);
		if (record)
			board_set_ended(board, record);
		else
			board_set_lost(board, "host_restarted",
				       "the host was restarted while the instance ran");
		return;
	}
	board->link = shim_link_connect(fleet_options(board->fleet)->loop, board->dirfd, &board_link_events,
					board, &error);
	if (board->link && board->restarting)
		board_set_state(board, "stopping");
	if (board->link && board_is_in(board, "stopping") && board_ask_stop(board, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "instance.stop_failed",
			  "instance", board->row.id, "detail", error.message, NULL);
	if (board->link)
		return;
	if (error.number != -ECONNREFUSED && error.number != -ENOENT) {
		recover_later(board, error.message);
		return;
	}
	cleanup_json json_t *record = exit_record_read(board->dirfd, board->row.start_number);
	if (!record && board->row.phase == INSTANCE_STARTING && board_is_in(board, "starting"))
		board_sweep_begin(board, redo_start);
	else
		board_shim_gone(board);
}

static int open_directory(const struct board *board)
{
	cleanup_free char *own_root = text_format("%s/instances", fleet_options(board->fleet)->state_dir);
	return own_root ? state_directory_open(own_root, board->row.path) : -ENOMEM;
}

void board_recover(struct board *board)
{
	bool delete_too = board->row.phase == INSTANCE_DELETING;
	if (board->dirfd < 0)
		board->dirfd = open_directory(board);
	if (board->dirfd == -EMFILE || board->dirfd == -ENFILE || board->dirfd == -ENOMEM) {
		recover_later(board, strerror(-board->dirfd));
		return;
	}
	if (board->dirfd < 0 && !delete_too) {
		board_set_lost(board, "supervisor_lost", "the state directory is gone");
		return;
	}
	/* The start that was to follow a stop follows it, with what the start before it had. */
	board->restarting = board->row.phase == INSTANCE_RESTARTING;
	if (!board_is_over(board))
		recover_live(board);
	else if (board->restarting)
		board_changed(board);
	else
		board->status = exit_record_read(board->dirfd, board->row.start_number);
	struct error error;
	if (delete_too && board_delete(board, NULL, NULL, NULL, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "instance.delete_failed",
			  "instance", board->row.id, "detail", error.message, NULL);
}
