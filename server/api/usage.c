#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/process/sweep.h"
#include "server/watch/samples.h"

#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>

/* Measured on a pool thread: /proc and a directory of any size are read. */
struct measuring {
	struct request *request; /* NULL: the client has gone */
	int dirfd;
	json_t *samples; /* NULL: they are not asked for */
	double cpu_seconds;
	unsigned long long rss_bytes, disk_bytes;
	size_t count;
	pid_t pids[];
};

static void add_process(struct measuring *measuring, pid_t pid)
{
	double cpu_seconds;
	unsigned long long rss_bytes;
	if (sweep_usage(pid, &cpu_seconds, &rss_bytes) < 0)
		return;
	measuring->cpu_seconds += cpu_seconds;
	measuring->rss_bytes += rss_bytes;
}

/* Blocks that are allocated: freed heads of consoles do not count. Symlinks are not followed. */
static unsigned long long measure_directory(int dirfd)
{
	enum { BLOCK_BYTES = 512 };
	char path[64];
	unsigned long long bytes = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", dirfd);
	char *const paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	for (FTSENT *entry; tree && (entry = fts_read(tree));)
		if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS)
			bytes += (unsigned long long) entry->fts_statp->st_blocks * BLOCK_BYTES;
	if (tree)
		fts_close(tree);
	return bytes;
}

static void measure(void *data)
{
	struct measuring *measuring = data;
	for (size_t i = 0; i < measuring->count; i++)
		add_process(measuring, measuring->pids[i]);
	measuring->disk_bytes = measure_directory(measuring->dirfd);
}

static void release(struct measuring *measuring)
{
	if (measuring->dirfd >= 0)
		close(measuring->dirfd);
	json_decref(measuring->samples);
	free(measuring);
}

static void on_measured(void *data)
{
	struct measuring *measuring = data;
	if (measuring->request)
		reply_json(measuring->request, 200,
			   json_pack("{s:f, s:I, s:I, s:O*}", "cpu_seconds", measuring->cpu_seconds,
				     "rss_bytes", (json_int_t) measuring->rss_bytes, "disk_bytes",
				     (json_int_t) measuring->disk_bytes, "samples", measuring->samples));
	release(measuring);
}

static void on_gone(void *data)
{
	struct measuring *measuring = data;
	measuring->request = NULL;
}

static struct measuring *make(struct request *request, const struct board *board)
{
	const json_t *processes = board_processes(board);
	struct measuring *measuring =
	    calloc(1, sizeof(*measuring) + json_object_size(processes) * sizeof(pid_t));
	if (!measuring)
		return NULL;
	measuring->request = request;
	measuring->dirfd = fcntl(board_dirfd(board), F_DUPFD_CLOEXEC, 0);
	const char *name;
	json_t *process;
	json_object_foreach ((json_t *) processes, name, process)
		measuring->pids[measuring->count++] = (pid_t) json_member_integer(process, "pid", 0);
	return measuring;
}

void get_instance_usage(struct request *request, void *data)
{
	struct app *app = data;
	struct error error;
	bool with_samples = false;
	const struct board *board = require_board(request, app);
	if (!board)
		return;
	if (request_query_boolean(request, "samples", &with_samples, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	if (board_is_over(board)) {
		reply_problem(request, "not_running", "%s is %s, not running: it uses nothing",
			      board_id(board), board_state(board));
		return;
	}
	struct measuring *measuring = make(request, board);
	if (!measuring) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	if (measuring->dirfd < 0) {
		reply_problem(request, "no_descriptors",
			      "emud has no file descriptors left: try again later");
		release(measuring);
		return;
	}
	if (with_samples)
		measuring->samples = samples_describe_history(app->samples, board);
	if (loop_work(app->loop, measure, on_measured, measuring, &error) < 0) {
		reply_error(request, &error);
		release(measuring);
		return;
	}
	request_on_gone(request, on_gone, measuring);
}
