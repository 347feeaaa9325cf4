/* A start whose shim is gone without a word, or hangs: its processes are ended, and that is told. */

#include "server/shims/board_internal.h"

#include "core/base/cleanup.h"
#include "core/handles/spec.h"
#include "core/process/cgroup.h"
#include "core/process/sweep.h"
#include "server/shims/adoptable.h"
#include "server/shims/start_files.h"
#include "server/shims/state_directory.h"

#include <string.h>

/* Beyond limits.stop_timeout, after which a shim kills its emulator: what the emulator's death, and the
 * shim's own sweep of what it left, may take. */
enum { STOP_GRACE_MS = 5000 };

struct board_sweep {
	struct board *board; /* NULL: destroyed meanwhile */
	char *id, *cookie;
	int64_t start_number;
	/* Where its cgroup may be: the emud that started it may have lived in another one than we do. */
	char *cgroup_base, *recorded_base;
	void (*on_swept)(struct board *board);
};

static void destroy_sweep(struct board_sweep *sweep)
{
	if (!sweep)
		return;
	free(sweep->id);
	free(sweep->cookie);
	free(sweep->cgroup_base);
	free(sweep->recorded_base);
	free(sweep);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static struct board_sweep *make_sweep(struct board *board, void (*on_swept)(struct board *board))
{
	struct board_sweep *sweep = calloc(1, sizeof(*sweep));
	if (!sweep)
		return NULL;
	*sweep = (struct board_sweep){
	    .board = board,
	    .id = copy(board->row.id),
	    .cookie = copy(board->cookie),
	    .start_number = board->row.start_number,
	    .cgroup_base = copy(fleet_cgroup_base(board->fleet)),
	    .recorded_base = start_files_read_cgroup_base(board->dirfd),
	    .on_swept = on_swept,
	};
	return sweep;
}

static void run_sweep(void *data)
{
	struct board_sweep *sweep = data;
	if (!sweep->id || !sweep->cookie)
		return;
	const struct cgroup_owner owner = {
	    .id = sweep->id, .start_number = sweep->start_number, .cookie = sweep->cookie};
	cgroup_clear(sweep->cgroup_base, &owner);
	cgroup_clear(sweep->recorded_base, &owner);
	sweep_cookie(sweep->cookie);
}

/* `pw emu` must not find what has ended. */
static void clear_remains(struct board *board)
{
	if (board_is_adopted(board))
		adoptable_let_go(board->dirfd);
	if (board->dirfd >= 0)
		state_directory_clear(board->dirfd);
}

static void on_sweep_done(void *data)
{
	struct board_sweep *sweep = data;
	struct board *board = sweep->board;
	void (*on_swept)(struct board * board) = sweep->on_swept;
	destroy_sweep(sweep);
	if (!board)
		return;
	board->sweep = NULL;
	clear_remains(board);
	on_swept(board);
}

void board_sweep_begin(struct board *board, void (*on_swept)(struct board *board))
{
	struct error error;
	if (board->sweep) {
		board->sweep->on_swept = on_swept;
		return;
	}
	struct board_sweep *sweep = make_sweep(board, on_swept);
	if (sweep &&
	    loop_work(fleet_options(board->fleet)->loop, run_sweep, on_sweep_done, sweep, &error) == 0) {
		board->sweep = sweep;
		return;
	}
	destroy_sweep(sweep);
	on_swept(board);
}

void board_sweep_forget(struct board *board)
{
	if (board->sweep)
		board->sweep->board = NULL;
	board->sweep = NULL;
}

static bool take_record(struct board *board)
{
	cleanup_json json_t *record =
	    board->dirfd >= 0 ? exit_record_read(board->dirfd, board->row.start_number) : NULL;
	if (record)
		board_set_ended(board, record);
	return record;
}

static void on_lost_swept(struct board *board)
{
	if (!take_record(board))
		board_set_lost(
		    board, "supervisor_lost",
		    board_is_adopted(board)
			? "the instance's emud-shim was killed; the emulator is pw emu's and was let "
			  "be: delete the instance and PUT it anew to adopt it again"
			: "the instance's emud-shim was killed; its processes were ended with it");
}

static void on_hung_swept(struct board *board)
{
	if (!take_record(board))
		board_set_lost(board, "supervisor_lost",
			       "the instance's emud-shim did not end when it was stopped; it was killed with "
			       "its processes");
}

static void enter_stopping(struct board *board)
{
	shim_link_destroy(TAKE(board->link));
	loop_timer_destroy(TAKE(board->stop_deadline));
	if (board_is_in(board, "stopping"))
		return;
	board_set_state(board, "stopping");
	board_changed(board);
}

/* Its processes may write exit.json too, and end the shim where the kernel lets them: a record beside a group
 * that is still there is not the shim's. */
static void drop_false_record(const struct board *board)
{
	if (board->dirfd < 0 || !board->cookie)
		return;
	const struct cgroup_owner owner = {
	    .id = board->row.id, .start_number = board->row.start_number, .cookie = board->cookie};
	cleanup_free char *recorded_base = start_files_read_cgroup_base(board->dirfd);
	if (cgroup_exists(fleet_cgroup_base(board->fleet), &owner) || cgroup_exists(recorded_base, &owner))
		unlinkat(board->dirfd, "exit.json", 0);
}

void board_shim_gone(struct board *board)
{
	drop_false_record(board);
	if (take_record(board))
		return;
	enter_stopping(board);
	board_sweep_begin(board, on_lost_swept);
}

/* The shim bears the cookie of its start as its children do, so the sweep ends it too. The link's SO_PEERCRED
 * would not name it: it was emud that made the socket listen. */
static void on_stop_deadline(void *data)
{
	struct board *board = data;
	log_event(fleet_options(board->fleet)->log, LOG_LEVEL_WARNING, "shim.hangs", "instance",
		  board->row.id, "detail", "it is killed", NULL);
	enter_stopping(board);
	board_sweep_begin(board, on_hung_swept);
}

/* The limit that the shim itself goes by: the configuration may be another since. */
static uint64_t stop_timeout_ms(const struct board *board)
{
	struct spec spec;
	if (spec_read(board->dirfd, &spec, NULL) < 0)
		return (uint64_t) (config_server(fleet_config(board->fleet))->limits.stop_timeout * 1000);
	uint64_t timeout_ms = spec.limits.stop_timeout_ms;
	spec_finish(&spec);
	return timeout_ms;
}

int board_watch_stop(struct board *board, struct error *error)
{
	if (!board->stop_deadline)
		board->stop_deadline =
		    loop_timer_create(fleet_options(board->fleet)->loop, on_stop_deadline, board, error);
	if (!board->stop_deadline)
		return error->number;
	loop_timer_start(board->stop_deadline, stop_timeout_ms(board) + STOP_GRACE_MS);
	return 0;
}
