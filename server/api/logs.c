#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/channels/console_log.h"
#include "server/api/tail_reply.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* A process's log is the file "<process>.log" of the state directory. */

static const char ending[] = ".log";

static int is_log_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), tail = strlen(ending);
	return length > tail && entry->d_name[0] != '.' && strcmp(entry->d_name + length - tail, ending) == 0;
}

/* ---- GET /instances/{id}/logs ---- */

static void append_log(json_t *logs, int dirfd, const char *file)
{
	struct stat status;
	if (fstatat(dirfd, file, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
		return;
	json_array_append_new(logs, json_pack("{s:s%, s:I}", "process", file, strlen(file) - strlen(ending),
					      "size", (json_int_t) status.st_size));
}

void list_instance_logs(struct request *request, void *app)
{
	const struct board *board = require_board(request, app);
	if (!board)
		return;
	struct dirent **entries = NULL;
	int count = scandirat(board_dirfd(board), ".", &entries, is_log_name, alphasort);
	json_t *logs = json_array();
	for (int i = 0; i < count; i++) {
		append_log(logs, board_dirfd(board), entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	reply_json(request, 200, json_pack("{s:o, s:n}", "logs", logs, "next_cursor"));
}

/* ---- GET /instances/{id}/logs/{process} ---- */

/* The descriptor, or a negative errno. What an emulator may have put in the log's place is not waited for. */
static int open_log(int dirfd, const char *process)
{
	char file[NAME_MAX + 1];
	struct stat status;
	int length = snprintf(file, sizeof(file), "%s%s", process, ending);
	if (!process[0] || process[0] == '.' || strchr(process, '/') || length >= (int) sizeof(file))
		return -ENOENT;
	cleanup_close int fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? TAKE_FD(fd) : -ENOENT;
}

void get_instance_log(struct request *request, void *data)
{
	struct app *app = data;
	bool follow = false;
	struct error error;
	struct board *board = require_board(request, app);
	if (!board)
		return;
	if (request_query_boolean(request, "follow", &follow, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	const char *process = request_parameter(request, "process");
	int fd = open_log(board_dirfd(board), process);
	if (fd == -EMFILE || fd == -ENFILE) {
		reply_problem(request, "no_descriptors",
			      "emud has no file descriptors left: try again later");
		return;
	}
	if (fd < 0) {
		reply_problem(request, "not_found", "%s has no log of %.100s: .../logs lists them",
			      board_id(board), process);
		return;
	}
	/* A log may have a window, as consoles have: it begins where its first kept byte is. */
	struct console_log_window window = {0};
	console_log_window(fd, &window);
	const struct tail_options tail = {
	    .fd = fd,
	    .offset = window.first_offset,
	    .limit = INT64_MAX,
	    .growth = follow ? app->growth : NULL,
	    .board = board,
	    .start_number = board_start_number(board),
	};
	reply_tail(request, "text/plain; charset=utf-8", &tail);
}
