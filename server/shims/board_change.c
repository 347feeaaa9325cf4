#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/handles/spec.h"
#include "server/shims/board_waits.h"

#include <string.h>

/* ---- changes ---- */

void board_save(struct board *board)
{
	struct error error;
	board_forget_text(board);
	if (instances_update(fleet_options(board->fleet)->store, &board->row, &error) < 0)
		log_event(fleet_options(board->fleet)->log, LOG_LEVEL_ERROR, "store.failed", "instance",
			  board->row.id, "detail", error.message, NULL);
}

void board_set_state(struct board *board, const char *state)
{
	char *copy = strdup(state);
	if (!copy)
		return;
	free(board->row.state);
	board->row.state = copy;
}

void board_set_exit(struct board *board, const json_t *exit)
{
	free(board->row.exit);
	board->row.exit = exit && !json_is_null(exit) ? json_to_text(exit) : NULL;
}

/* What ends by itself while it runs, or is paused for a full disk, was not asked for by whoever asked for
 * something else meanwhile. */
static bool is_asked_for(const struct board *board)
{
	const char *before = board->told_state;
	if (board_is_over(board))
		return !text_equal(before, "running") && !text_equal(before, "paused");
	return !text_equal(json_member_string(board->status, "paused_by", ""), "disk_full");
}

static void tell_change(struct board *board)
{
	if (text_equal(board->told_state, board->row.state) && board->told_number == board->row.start_number)
		return;
	const char *asker = board->actor ? board->actor : board->worker;
	const char *actor = is_asked_for(board) ? asker : NULL;
	cleanup_free char *previous = TAKE(board->told_state);
	const struct fleet_change change = {
	    .kind = FLEET_STATE, .board = board, .actor = actor, .previous = previous};
	board->told_state = strdup(board->row.state);
	board->told_number = board->row.start_number;
	fleet_tell(board->fleet, &change);
	bool is_at_rest = board_is_live(board) || board_is_over(board);
	if (is_at_rest && !board->deleting && !board->restarting)
		board_take_actor(board, NULL);
}

void board_tell_state(struct board *board)
{
	char number[24];
	snprintf(number, sizeof(number), "%lld", (long long) board->row.start_number);
	cleanup_json json_t *exit = board_exit(board);
	log_event(fleet_options(board->fleet)->log, LOG_LEVEL_INFO, "instance.state", "instance",
		  board->row.id, "state", board->row.state, "start_number", number, "reason",
		  json_member_string(exit, "reason", NULL), "detail",
		  json_member_string(exit, "detail", NULL), NULL);
	tell_change(board);
}

/* After every change: logged, told, kept. In this order: what a kill in between leaves in the store is found
 * to have changed by the next emud, and told twice rather than not at all. What a stop was made for goes on
 * here. */
void board_changed(struct board *board)
{
	board_tell_state(board);
	board_save(board);
	if (board->deleting && board_is_over(board)) {
		board_finish_delete(board);
		return;
	}
	if (board->restarting && board_is_over(board)) {
		struct error error;
		board->restarting = false;
		int64_t number = board->row.start_number;
		if (board_begin_start(board, &error) < 0 && board->row.start_number == number)
			board_set_lost(board, "start_failed", error.message);
		return;
	}
	board_waits_look(board->waits);
	fleet_board_changed(board->fleet, board);
}

/* What the start was to have of its own, it has had. */
static void forget_next(struct board *board)
{
	if (board->row.phase != INSTANCE_IDLE || !board->next)
		return;
	json_decref(TAKE(board->next));
	board_keep_spec(board);
}

/* The current start has ended; status is the shim's last word or its exit.json. */
void board_set_ended(struct board *board, json_t *status)
{
	shim_link_destroy(TAKE(board->link));
	loop_timer_destroy(TAKE(board->stop_deadline));
	loop_timer_destroy(TAKE(board->retry));
	json_t *kept = json_incref(status);
	json_decref(board->status);
	board->status = kept;
	json_object_set_new(kept, "processes", json_object());
	board_set_state(board, json_member_string(kept, "state", "failed"));
	board_set_exit(board, json_object_get(kept, "exit"));
	/* emud may learn of it long afterwards. */
	if (clock_parse_rfc3339(json_member_string(kept, "ended_at", ""), &board->row.ended_at_ms) < 0)
		board->row.ended_at_ms = clock_wall_ms();
	board->row.phase = board->deleting     ? INSTANCE_DELETING
			   : board->restarting ? INSTANCE_RESTARTING
					       : INSTANCE_IDLE;
	board->settled = true;
	forget_next(board);
	board_changed(board);
}

/* It ended without a word of its shim. */
void board_set_lost(struct board *board, const char *reason, const char *detail)
{
	cleanup_json json_t *status = board->status ? json_deep_copy(board->status) : json_object();
	json_object_set_new(status, "state", json_string("failed"));
	json_object_set_new(status, "start_number", json_integer((json_int_t) board->row.start_number));
	json_object_set_new(status, "processes", json_object());
	json_object_set_new(status, "exit",
			    json_pack("{s:n, s:n, s:s, s:o}", "code", "signal", "reason", reason, "detail",
				      json_text_of(detail)));
	json_t *channels = json_object_get(status, "channels");
	const char *name;
	json_t *channel;
	json_object_foreach (channels, name, channel) {
		json_object_del(channel, "host");
		json_object_del(channel, "port");
		json_object_del(channel, "path");
	}
	/* So that the next emud knows of it, too, whose output is kept. */
	if (board->dirfd >= 0)
		exit_record_write(board->dirfd, status, NULL);
	board_set_ended(board, status);
}

/* ---- what its shim tells ---- */

/* Nothing of an instance whose shim was killed may run on, or be found by `pw emu`. */
static void on_link_end(void *data)
{
	struct board *board = data;
	struct error error;
	shim_link_destroy(TAKE(board->link));
	/* One that lives has only hung up, as it does on a reader that is far behind: ask it anew. */
	if (board->settled)
		board->link = shim_link_connect(fleet_options(board->fleet)->loop, board->dirfd,
						&board_link_events, board, &error);
	board->settled = false;
	if (!board->link)
		board_shim_gone(board);
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
		board_set_ended(board, copy);
		return;
	}
	bool same = text_equal(state, board->row.state) && board->settled;
	json_decref(board->status);
	board->status = TAKE(copy);
	board_forget_text(board);
	board->settled = true;
	/* A stop that was asked for is told before the shim has heard of it. */
	if (!board_is_in(board, "stopping"))
		board_set_state(board, state);
	if (board_is_live(board))
		board->row.phase = INSTANCE_IDLE;
	forget_next(board);
	if (!same)
		board_changed(board);
}

const struct shim_link_events board_link_events = {.on_status = on_status, .on_end = on_link_end};
