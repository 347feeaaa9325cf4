#include "server/runs/run_internal.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the board ---- */

static const char *first_console(const json_t *channels)
{
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) channels, name, channel)
		if (text_equal(json_member_string(channel, "kind", NULL), "console"))
			return name;
	return NULL;
}

/* The console to watch is there: its file becomes the run's own too, whatever happens to the board. */
static int take_console(struct run *run, const struct board *board, const char **ret_channel,
			struct error *error)
{
	const json_t *channels = board_channels(board);
	const char *asked = json_member_string(run->spec, "channel", NULL);
	const char *channel = asked ? asked : first_console(channels);
	const json_t *found = channel ? json_object_get(channels, channel) : NULL;
	if (!text_equal(json_member_string(found, "kind", NULL), "console"))
		return error_set(error, -ENOENT, "channel_not_found", "the board has no console%s%.100s",
				 asked ? " " : "", asked ? asked : "");
	*ret_channel = channel;
	return run_archive_take(runs_archive(run->runs), run->row.id, board_dirfd(board), channel, error);
}

/* An earlier emud may have taken it: what has become of the board since does not matter then. */
static int open_console(struct run *run, const struct board *board, const json_t *progress,
			const char **ret_channel, struct error *error)
{
	*ret_channel = json_member_string(progress, "channel", NULL);
	int result = *ret_channel ? 0 : take_console(run, board, ret_channel, error);
	if (result < 0)
		return result;
	run->output_fd = run_archive_open(runs_archive(run->runs), run->row.id, error);
	return run->output_fd < 0 ? run->output_fd : 0;
}

static void attach(struct run *run, struct board *board)
{
	struct error error;
	const char *channel;
	cleanup_json json_t *progress = run_read_progress(run);
	run->start_number = json_member_integer(progress, "start_number", board_start_number(board));
	int result = open_console(run, board, progress, &channel, &error);
	if (!result)
		result = run_watch_console(run, board, channel, &error);
	if (!result)
		run_tell(run);
	else if (board_is_over(board))
		run_decide_ended(run, board);
	else
		run_decide(run, "not_started", "start_failed", strdup(error.message), NULL);
}

static void on_started(struct board *board, enum board_wait_result result, void *data)
{
	struct run *run = data;
	struct error error;
	run->wait = NULL;
	if (result == BOARD_WAIT_TIMEOUT) {
		run_decide_late(run);
	} else if (result != BOARD_WAIT_DONE) {
		run_decide_deleted(run);
	} else if (board_start_failure(board, &error)) {
		run->exit = board_exit(board);
		run_decide(run, "not_started", "start_failed", strdup(error.message), NULL);
	} else {
		attach(run, board);
	}
}

static void await_start(struct run *run, struct board *board)
{
	struct error error;
	run->wait = board_wait_begin(board, board_has_started, run_left_ms(run), on_started, run, &error);
	if (!run->wait)
		run_decide(run, "not_started", "start_failed", strdup(error.message), NULL);
}

/* {"target",...} as an instance is asked for, with what only a run may have. New reference. */
static json_t *make_board_spec(const struct run *run)
{
	const json_t *file = json_object_get(json_object_get(run->spec, "file"), "sha256");
	char id[24];
	snprintf(id, sizeof(id), "%" PRId64, run->row.id);
	json_t *labels = json_copy(json_object_get(run->spec, "labels"));
	json_object_set_new(labels, "emud.run", json_string(id));
	return json_pack("{s:O, s:O, s:O, s:b, s:b, s:b, s:b, s:o, s:o*}", "target",
			 json_object_get(run->spec, "target"), "emulator",
			 json_object_get(run->spec, "emulator"), "args", json_object_get(run->spec, "args"),
			 "paused", 0, "debug", 0, "start", 1, "semihosting", 1, "labels", labels, "file",
			 file ? json_pack("{s:O}", "sha256", file) : NULL);
}

static struct board *make_board(struct run *run, struct error *error)
{
	cleanup_json json_t *spec = make_board_spec(run);
	const struct board_request request = {
	    .id = run->row.instance,
	    .spec = spec,
	    .actor = json_member_string(run->spec, "actor", NULL),
	    .resolved = json_object_get(run->spec, "configuration"),
	};
	if (spec)
		return fleet_make_board(runs_options(run->runs)->fleet, &request, error);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

/* The id is in the row before the board is there, so that no board is left that no run knows of. */
static char *choose_instance(const struct run *run)
{
	struct fleet *fleet = runs_options(run->runs)->fleet;
	char *id = text_format("run-%" PRId64, run->row.id);
	for (int number = 2; id && fleet_find(fleet, id); number++) {
		free(id);
		id = text_format("run-%" PRId64 "-%d", run->row.id, number);
	}
	return id;
}

static void begin_board(struct run *run, struct board *board)
{
	const struct board_start start = {.paused = -1,
					  .actor = json_member_string(run->spec, "actor", NULL)};
	struct error error;
	if (!board)
		board = make_board(run, &error);
	if (!board || board_start(board, &start, &error) < 0)
		run_decide(run, "not_started", "start_failed", strdup(error.message), NULL);
	else
		await_start(run, board);
}

static void begin_time(struct run *run)
{
	int64_t timeout_ms = (int64_t) (json_member_real(run->spec, "timeout", 0) * 1000);
	int64_t elapsed_ms = clock_wall_ms() - run->row.started_at_ms;
	run->late_at_ms = clock_monotonic_ms() + timeout_ms - elapsed_ms;
}

/* ---- patterns of an earlier emud's run ---- */

static void compile(void *data)
{
	struct run *run = data;
	cleanup_json json_t *faults = NULL;
	run->patterns = run_patterns_compile(run->spec, &faults);
}

static void on_compiled(void *data)
{
	struct run *run = data;
	struct runs *runs = run->runs;
	run->is_compiling = false;
	if (run->is_orphan) {
		run_destroy(run);
		return;
	}
	if (run->is_decided)
		run_end_now(run);
	else if (!run->patterns)
		run_decide(run, "canceled", "internal_error", strdup("no memory"), NULL);
	else if (text_equal(run->row.state, "running"))
		run_resume(run);
	runs_look(runs);
}

static void begin_compiling(struct run *run)
{
	run->is_compiling = true;
	matching_begin(&run->compiling, runs_options(run->runs)->matcher, compile, on_compiled, run);
}

/* ---- */

bool run_prepare(struct run *run)
{
	/* While they are compiled, they are the pool's. */
	if (run->is_compiling)
		return false;
	if (run->patterns)
		return true;
	begin_compiling(run);
	return false;
}

void run_start(struct run *run)
{
	struct error error;
	char *instance = choose_instance(run);
	char *state = strdup("running");
	if (!instance || !state) {
		free(instance);
		free(state);
		run_decide(run, "canceled", "internal_error", strdup("no memory"), NULL);
		return;
	}
	free(run->row.state);
	run->row.state = state;
	run->row.instance = instance;
	run->row.started_at_ms = clock_wall_ms();
	begin_time(run);
	if (run_store(run, NULL, &error) < 0) {
		free(TAKE(run->row.instance));
		run_decide(run, "not_started", "start_failed", strdup(error.message), NULL);
		return;
	}
	run_tell(run);
	begin_board(run, NULL);
}

void run_resume(struct run *run)
{
	struct board *board = fleet_find(runs_options(run->runs)->fleet, run->row.instance);
	struct stat status;
	if (!run->patterns) {
		begin_compiling(run);
		return;
	}
	begin_time(run);
	if (!board && run->row.progress) {
		run_decide_deleted(run);
	} else if (!board || board_start_number(board) == 0) {
		begin_board(run, board);
	} else {
		cleanup_close int fd = run_archive_open(runs_archive(run->runs), run->row.id, NULL);
		run->there_offset = fd >= 0 && fstat(fd, &status) == 0 ? status.st_size : 0;
		await_start(run, board);
	}
}
