#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/handles/spec.h"
#include "core/process/sweep.h"
#include "server/shims/start_files.h"

/* A start that emud's end interrupted, and of which no shim is left: it is begun again under the same number.
 */
static void redo_start(struct board *board)
{
	struct error error;
	if (board->cookie)
		sweep_cookie(board->cookie);
	board->row.start_number--;
	if (board_begin_start(board, &error) < 0)
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
			board_set_ended(board, record);
		else
			board_set_lost(board, "host_restarted",
				       "the host was restarted while the instance ran");
		return;
	}
	board->link = shim_link_connect(fleet_options(board->fleet)->loop, board->dirfd, &board_link_events,
					board, &error);
	if (board->link)
		return;
	cleanup_json json_t *record = exit_record_read(board->dirfd, board->row.start_number);
	if (!record && board->row.phase == INSTANCE_STARTING && board_is_in(board, "starting"))
		redo_start(board);
	else
		board_shim_gone(board);
}

void board_recover(struct board *board, const char *boot_id)
{
	bool delete_too = board->row.phase == INSTANCE_DELETING;
	if (board->dirfd < 0 && !delete_too) {
		board_set_lost(board, "supervisor_lost", "the state directory is gone");
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
