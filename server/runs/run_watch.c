#include "server/runs/run_input.h"
#include "server/runs/run_internal.h"
#include "server/runs/verdict.h"
#include "server/watch/match_json.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* ---- how far it has come ---- */

static void keep_progress(struct run *run, const char *channel, size_t step, int64_t offset)
{
	cleanup_json json_t *progress = json_pack("{s:s, s:I, s:I, s:I}", "channel", channel, "start_number",
						  (json_int_t) run->start_number, "step", (json_int_t) step,
						  "offset", (json_int_t) offset);
	free(run->row.progress);
	run->row.progress = progress ? json_to_text(progress) : NULL;
	/* No other emud goes on with a run whose client waits. */
	if (run->row.is_detached)
		run_save(run);
}

json_t *run_read_progress(const struct run *run)
{
	const char *text = run->row.progress;
	return text ? json_parse(text, strlen(text), NULL) : NULL;
}

/* ---- input ---- */

static void on_step(size_t step, int64_t offset, void *data)
{
	struct run *run = data;
	cleanup_json json_t *progress = run_read_progress(run);
	keep_progress(run, json_member_string(progress, "channel", ""), step, offset);
}

static void on_input_failed(size_t step, const struct error *error, void *data)
{
	struct run *run = data;
	bool is_slow = text_equal(error->code, "pattern_too_slow");
	run_decide(run, "canceled", is_slow ? "pattern_too_slow" : "input_failed",
		   text_format("input step %zu: %s", step, error->message), NULL);
}

static int begin_input(struct run *run, const char *channel, struct error *error)
{
	static const struct run_input_events events = {.on_step = on_step, .on_failed = on_input_failed};
	const struct runs_options *options = runs_options(run->runs);
	cleanup_json json_t *progress = run_read_progress(run);
	const struct run_input_options input = {
	    .loop = options->loop,
	    .growth = options->growth,
	    .matcher = options->matcher,
	    .fleet = options->fleet,
	    .instance = run->row.instance,
	    .start_number = run->start_number,
	    .channel = channel,
	    .output_fd = run->output_fd,
	    .steps = json_object_get(run->spec, "input"),
	    .patterns = run->patterns,
	    .step = (size_t) json_member_integer(progress, "step", 0),
	    .offset = json_member_integer(progress, "offset", 0),
	};
	if (input.step >= run->patterns->step_count)
		return 0;
	run->input = run_input_create(&input, &events, run, error);
	return run->input ? 0 : error->number;
}

/* What the time was up with: it takes detail, and puts to it which step of the input was still to come. */
static void decide_timed_out(struct run *run, const char *reason, char *detail)
{
	cleanup_json json_t *progress = run_read_progress(run);
	json_int_t step = json_member_integer(progress, "step", 0);
	cleanup_free char *told = detail;
	bool is_waiting = progress && (size_t) step < run->patterns->step_count;
	run_decide(run, "timed_out", reason,
		   is_waiting && told
		       ? text_format("%s; step %lld of its input was not taken yet", told, (long long) step)
		       : TAKE(told),
		   NULL);
}

/* ---- silence ---- */

/* The file itself tells when it was last written to. */
static void on_idle(void *data)
{
	struct run *run = data;
	double idle_timeout = json_member_real(run->spec, "idle_timeout", 0);
	int64_t idle_ms = (int64_t) (idle_timeout * 1000);
	struct stat status;
	int64_t silent_ms = idle_ms;
	if (fstat(run->output_fd, &status) == 0 && status.st_size > 0)
		silent_ms = clock_wall_ms() -
			    ((int64_t) status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000);
	if (silent_ms >= 0 && silent_ms < idle_ms) {
		loop_timer_start(run->deadline, (uint64_t) (idle_ms - silent_ms));
		return;
	}
	run->is_idle = true;
	expectation_expire(run->expectation);
}

static int begin_idle(struct run *run, struct error *error)
{
	double idle_timeout = json_member_real(run->spec, "idle_timeout", 0);
	loop_timer_destroy(TAKE(run->deadline));
	if (idle_timeout <= 0)
		return 0;
	run->deadline = loop_timer_create(runs_options(run->runs)->loop, on_idle, run, error);
	if (!run->deadline)
		return error->number;
	loop_timer_start(run->deadline, (uint64_t) (idle_timeout * 1000));
	return 0;
}

/* ---- what comes of watching ---- */

static void decide_matched(struct run *run, const struct pattern_match *match)
{
	bool is_pass = match->pattern < run->patterns->pass_count;
	size_t index = is_pass ? match->pattern : match->pattern - run->patterns->pass_count;
	const json_t *list = json_object_get(run->spec, is_pass ? "pass" : "fail");
	json_t *matched = match_to_json(run->patterns->verdict, match);
	json_object_set_new(matched, "kind", json_string(is_pass ? "pass" : "fail"));
	json_object_set(matched, "pattern", json_array_get(list, index));
	json_object_set_new(matched, "index", json_integer((json_int_t) index));
	run_decide(run, is_pass ? "passed" : "failed", is_pass ? "pass_pattern" : "fail_pattern", NULL,
		   matched);
}

void run_decide_ended(struct run *run, const struct board *board)
{
	struct verdict verdict;
	if (board_start_number(board) != run->start_number || !board_is_over(board)) {
		run_decide(run, "canceled", "stopped", strdup("somebody started its board anew"), NULL);
		return;
	}
	run->exit = board_exit(board);
	verdict_of_exit(run->exit, run->patterns->pass_count > 0, &verdict);
	run_decide(run, verdict.verdict, verdict.reason, verdict.detail, NULL);
}

void run_decide_late(struct run *run)
{
	double timeout = json_member_real(run->spec, "timeout", 0);
	double idle_timeout = json_member_real(run->spec, "idle_timeout", 0);
	if (run->is_idle)
		decide_timed_out(run, "idle_timeout",
				 text_format("the board printed nothing for %g s", idle_timeout));
	else
		decide_timed_out(run, "timeout", text_format("nothing decided the run within %g s", timeout));
}

void run_decide_deleted(struct run *run)
{
	run_decide(run, "canceled", "instance_deleted", strdup("somebody deleted its board"), NULL);
}

static void decide_failed(struct run *run, const struct error *error)
{
	const char *reason = text_equal(error->code, "pattern_too_slow") ? "pattern_too_slow"
			     : text_equal(error->code, "gone")           ? "output_lost"
									 : "internal_error";
	run_decide(run, "canceled", reason, strdup(error->message), NULL);
}

static void on_outcome(const struct expectation_outcome *outcome, void *data)
{
	struct run *run = data;
	struct board *board = fleet_find(runs_options(run->runs)->fleet, run->row.instance);
	switch (outcome->end) {
	case EXPECTATION_MATCHED:
		decide_matched(run, outcome->match);
		break;
	case EXPECTATION_TIMEOUT:
		if (board && board_is_over(board))
			run_decide_ended(run, board);
		else
			run_decide_late(run);
		break;
	case EXPECTATION_ENDED:
		if (board)
			run_decide_ended(run, board);
		else
			run_decide_deleted(run);
		break;
	case EXPECTATION_DELETED:
		run_decide_deleted(run);
		break;
	case EXPECTATION_FAILED:
		decide_failed(run, outcome->error);
		break;
	}
}

uint64_t run_left_ms(const struct run *run)
{
	int64_t left = run->late_at_ms - clock_monotonic_ms();
	return left > 0 ? (uint64_t) left : 0;
}

static int begin_watching(struct run *run, struct board *board, struct error *error)
{
	const struct runs_options *options = runs_options(run->runs);
	int fd = fcntl(run->output_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "the console cannot be read");
	struct console_log_window window = {0};
	console_log_window(fd, &window);
	struct expectation_options watched = {
	    .tail = {.fd = fd,
		     .offset = window.first_offset,
		     .limit = INT64_MAX,
		     .growth = options->growth,
		     .board = board,
		     .start_number = run->start_number},
	    .set = run->patterns->verdict,
	    .matcher = options->matcher,
	    .timeout_ms = run_left_ms(run),
	    .there_offset = run->there_offset,
	};
	run->reader = run_reader_create(run_on_reader_released, run);
	if (run->reader)
		run_reader_join(run->reader, &watched);
	run->expectation = expectation_create(options->loop, &watched, on_outcome, run, error);
	if (run->expectation && run->reader)
		run_reader_joined(run->reader);
	return run->expectation ? 0 : error->number;
}

int run_watch_console(struct run *run, struct board *board, const char *channel, struct error *error)
{
	if (!run->row.progress)
		keep_progress(run, channel, 0, 0);
	int result = begin_watching(run, board, error);
	if (!result)
		result = begin_idle(run, error);
	if (!result)
		result = begin_input(run, channel, error);
	return result;
}
