#include "server/runs/run_input.h"
#include "server/runs/run_internal.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"

#include <inttypes.h>
#include <string.h>

/* What stands behind a match on its line is waited for so long, and looked for so far. */
enum { LINE_WAIT_MS = 20, LINE_BYTES = 16 * 1024 };
/* The test cases of so much output are told in less time than the pool takes to wake. */
enum { LITTLE_BYTES = 4096 };

/* ---- the board goes ---- */

/* NULL: there is none, or none any more. */
static struct board *board_of(const struct run *run)
{
	return run->row.instance ? fleet_find(runs_options(run->runs)->fleet, run->row.instance) : NULL;
}

static void finish_clearing(struct run *run)
{
	run->is_cleared = true;
	run_release(run);
}

static void save_removed(struct run *run)
{
	if (run_save(run) < 0)
		run_retry(run, save_removed);
	else
		finish_clearing(run);
}

static void on_removed(struct run *run)
{
	free(TAKE(run->row.instance));
	run->row.output_bytes = run_archive_bytes(runs_archive(run->runs), run->row.id);
	save_removed(run);
}

static void on_deleted(const struct error *error, void *data)
{
	struct run *run = data;
	if (error)
		run_retry(run, run_clear);
	else
		on_removed(run);
}

/* Somebody else deletes it. */
static enum board_progress never(const struct board *board, void *data)
{
	(void) board;
	(void) data;
	return BOARD_PENDING;
}

static void on_gone(struct board *board, enum board_wait_result result, void *data)
{
	(void) board;
	(void) result;
	struct run *run = data;
	run->wait = NULL;
	on_removed(run);
}

void run_clear(struct run *run)
{
	struct board *board = board_of(run);
	struct error error;
	if (!board) {
		on_removed(run);
		return;
	}
	if (board_delete(board, run->decider, on_deleted, run, &error) == 0)
		return;
	run->wait = board_wait_begin(board, never, INT64_MAX, on_gone, run, &error);
	if (!run->wait)
		finish_clearing(run);
}

/* ---- the record ---- */

static json_t *make_result(const struct run *run)
{
	const struct board *board = board_of(run);
	json_t *command = board ? (json_t *) board_command_line(board) : NULL;
	return json_pack("{s:s, s:o, s:O*, s:O*, s:O*, s:I}", "reason", run->reason, "detail",
			 json_text_of(run->detail), "exit", run->exit, "matched", run->matched, "command",
			 command, "end_offset", (json_int_t) run->end_offset);
}

/* Its board does not go on meanwhile; where it cannot be stopped now, it is when it is taken away. */
static void stop_board(struct run *run)
{
	struct board *board = board_of(run);
	struct error error;
	if (board)
		board_stop(board, run->decider, &error);
}

static void set_state(struct run *run, const char *state, const char *verdict, int64_t ended_at_ms)
{
	free(run->row.state);
	free(run->row.verdict);
	run->row.state = strdup(state);
	run->row.verdict = verdict ? strdup(verdict) : NULL;
	run->row.ended_at_ms = ended_at_ms;
}

/* Nobody is told of a verdict that a kill of emud could take back. */
static void save_verdict(struct run *run)
{
	struct error error;
	const char *before = run->row.started_at_ms ? "running" : "queued";
	set_state(run, "ended", run->verdict, run->decided_at_ms);
	if (run_store(run, run->decider, &error) == 0) {
		run_tell(run);
		run_clear(run);
		return;
	}
	run_log_unsaved(run, &error);
	set_state(run, before, NULL, 0);
	stop_board(run);
	run_retry(run, save_verdict);
}

static void finish(struct run *run)
{
	cleanup_json json_t *result = make_result(run);
	run->row.result = result ? json_to_text(result) : NULL;
	save_verdict(run);
}

/* ---- the test cases, on the pool where they may be many ---- */

static void report(void *data)
{
	struct run *run = data;
	run->row.tests = run_reader_finish(run->reader, run->output_fd, run->end_offset);
}

static void on_reported(void *data)
{
	struct run *run = data;
	run->is_reporting = false;
	if (run->is_orphan)
		run_destroy(run);
	else
		finish(run);
}

static void begin_report(struct run *run)
{
	if (!run->reader) {
		finish(run);
	} else if (run->end_offset <= LITTLE_BYTES) {
		report(run);
		finish(run);
	} else {
		run->is_reporting = true;
		matching_begin(&run->reporting, runs_options(run->runs)->matcher, report, on_reported, run);
	}
}

/* ---- where the output ends ---- */

static int64_t output_size(const struct run *run)
{
	struct console_log_window window = {0};
	console_log_window(run->output_fd, &window);
	return window.next_offset;
}

/* Behind the end of the line that offset lies in (LINE_BYTES on, where it is longer); -1: it is not there
 * yet. */
static int64_t find_line_end(const struct run *run, int64_t offset)
{
	char bytes[LINE_BYTES];
	ssize_t count = console_log_read(run->output_fd, offset - 1, bytes, sizeof(bytes));
	const char *end = count > 0 ? memchr(bytes, '\n', (size_t) count) : NULL;
	if (end)
		return offset - 1 + (end - bytes) + 1;
	return count == LINE_BYTES ? offset - 1 + count : -1;
}

static void end_at(struct run *run, int64_t offset)
{
	growth_watch_destroy(TAKE(run->line_watch));
	loop_timer_destroy(TAKE(run->line_deadline));
	run->end_offset = offset;
	begin_report(run);
}

static void on_line_growth(void *data)
{
	struct run *run = data;
	int64_t end = find_line_end(run, json_member_integer(run->matched, "end", 1));
	if (end >= 0)
		end_at(run, end);
}

static void on_line_late(void *data)
{
	struct run *run = data;
	end_at(run, output_size(run));
}

static void await_line(struct run *run)
{
	const struct runs_options *options = runs_options(run->runs);
	int64_t size = output_size(run);
	run->line_deadline = loop_timer_create(options->loop, on_line_late, run, NULL);
	run->line_watch =
	    growth_watch_create(options->growth, run->output_fd, size, on_line_growth, run, NULL);
	if (run->line_deadline && run->line_watch)
		loop_timer_start(run->line_deadline, LINE_WAIT_MS);
	else
		end_at(run, size);
}

void run_end_now(struct run *run)
{
	if (run->is_ending)
		return;
	run->is_ending = true;
	if (run->output_fd < 0) {
		finish(run);
		return;
	}
	int64_t match_end = json_member_integer(run->matched, "end", 0);
	int64_t line_end = match_end > 0 ? find_line_end(run, match_end) : output_size(run);
	if (line_end >= 0)
		end_at(run, line_end);
	else
		await_line(run);
}

/* ---- the verdict ---- */

void run_on_reader_released(void *data)
{
	struct run *run = data;
	if (run->is_decided)
		run_end_now(run);
}

/* Its work on the pool is done, or will not be begun. */
static bool is_off_the_pool(struct run *run)
{
	if (run->is_compiling && matching_cancel(&run->compiling))
		run->is_compiling = false;
	return !run->is_compiling && (!run->reader || run_reader_is_free(run->reader));
}

void run_decide(struct run *run, const char *verdict, const char *reason, char *detail, json_t *matched)
{
	if (run->is_decided) {
		free(detail);
		json_decref(matched);
		return;
	}
	run->is_decided = true;
	run->verdict = verdict;
	run->reason = reason;
	run->detail = detail;
	run->matched = matched;
	run->decided_at_ms = clock_wall_ms();
	runs_unqueue(run);
	board_wait_cancel(TAKE(run->wait));
	loop_timer_destroy(TAKE(run->deadline));
	run_input_destroy(TAKE(run->input));
	expectation_destroy(TAKE(run->expectation));
	if (is_off_the_pool(run))
		run_end_now(run);
}

void run_cancel(struct run *run, const char *reason, const char *detail, const char *actor)
{
	if (run->is_decided || runs_are_leaving(run->runs))
		return;
	run->decider = actor ? strdup(actor) : NULL;
	run_decide(run, "canceled", reason, detail ? strdup(detail) : NULL, NULL);
}
