#include "server/api/channels.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/api/handlers.h"
#include "server/api/replies.h"

#include <fcntl.h>
#include <string.h>

bool channel_is_console(const json_t *channel)
{
	return text_equal(json_member_string(channel, "kind", NULL), "console");
}

const json_t *require_channel(struct request *request, const struct board *board)
{
	const char *name = request_parameter(request, "name");
	const json_t *channel = json_object_get(board_channels(board), name);
	if (channel)
		return channel;
	if (text_equal(board_state(board), "starting"))
		reply_problem(request, "instance_busy", "%s is starting: its channels are known when it runs",
			      board_id(board));
	else if (text_equal(board_state(board), "created"))
		reply_problem(request, "not_running",
			      "%s was never started: its channels are known when it runs", board_id(board));
	else
		reply_problem(request, "channel_not_found", "%s has no channel %.100s", board_id(board),
			      name);
	return NULL;
}

/* ---- GET /instances/{id}/channels, /channels/{name} ---- */

/* New reference. A console whose file is gone has nothing kept. */
static json_t *describe(const struct board *board, const char *name, const json_t *channel)
{
	struct console_log_window window = {0};
	json_t *json = json_copy((json_t *) channel);
	if (!channel_is_console(channel))
		return json;
	cleanup_close int fd = console_log_open(board_dirfd(board), name, NULL);
	if (fd >= 0)
		console_log_window(fd, &window);
	json_object_set_new(json, "first_offset", json_integer(window.first_offset));
	json_object_set_new(json, "next_offset", json_integer(window.next_offset));
	return json;
}

void list_channels(struct request *request, void *app)
{
	const struct board *board = require_board(request, app);
	if (!board)
		return;
	json_t *channels = json_object();
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) board_channels(board), name, channel)
		json_object_set_new(channels, name, describe(board, name, channel));
	reply_json(request, 200, json_pack("{s:o}", "channels", channels));
}

void get_channel(struct request *request, void *app)
{
	const struct board *board = require_board(request, app);
	const json_t *channel = board ? require_channel(request, board) : NULL;
	if (channel)
		reply_json(request, 200, describe(board, request_parameter(request, "name"), channel));
}

/* ---- where output is kept ---- */

bool query_output(struct request *request, struct output_query *ret_query)
{
	struct output_query query = {.has_offset = request_query(request, "offset") != NULL};
	struct error error;
	if (request_query_integer(request, "offset", INT64_MIN, INT64_MAX, &query.offset, &error) < 0 ||
	    request_query_integer(request, "start_number", 1, INT64_MAX, &query.start_number, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	*ret_query = query;
	return true;
}

/* The file of an earlier start; the descriptor or a negative errno. */
static int open_earlier(const struct board *board, const char *name, int64_t start_number,
			struct error *error)
{
	char folder[64];
	snprintf(folder, sizeof(folder), "starts/%lld", (long long) start_number);
	/* The latest start may not have put its forerunner's file aside yet. Opened first: if it still lies
	 * in its place after that, it was the forerunner's. */
	bool may_be_in_place =
	    start_number == board_start_number(board) - 1 && !json_object_size(board_channels(board));
	cleanup_close int in_place = may_be_in_place ? console_log_open(board_dirfd(board), name, error) : -1;
	cleanup_close int dirfd =
	    openat(board_dirfd(board), folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd >= 0)
		return console_log_open(dirfd, name, error);
	if (in_place >= 0)
		return TAKE_FD(in_place);
	return error_set_errno(error, -errno, NULL, "cannot open the output of start %lld",
			       (long long) start_number);
}

static bool is_file_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int open_file(struct request *request, const struct board *board, int64_t start_number)
{
	const char *name = request_parameter(request, "name");
	struct error error;
	int fd = -ENOENT;
	if (start_number == board_start_number(board))
		fd = console_log_open(board_dirfd(board), name, &error);
	else if (start_number < board_start_number(board) && is_file_name(name))
		fd = open_earlier(board, name, start_number, &error);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EBADF)
		reply_problem(request, "not_found", "no output of %.100s of start %lld is kept", name,
			      (long long) start_number);
	else if (fd < 0)
		reply_error(request, &error);
	return fd;
}

/* The offset asked for, within the window; -ERANGE beyond the end. */
static int place(const struct output_query *query, struct output *output)
{
	int64_t offset = query->offset < 0 ? output->next_offset + query->offset : query->offset;
	if (!query->has_offset || offset < output->first_offset)
		offset = output->first_offset;
	output->offset = offset;
	return offset > output->next_offset ? -ERANGE : 0;
}

bool open_output(struct request *request, const struct board *board, const struct output_query *query,
		 struct output *ret_output)
{
	int64_t latest = board_start_number(board);
	struct output output = {.start_number = query->start_number ? query->start_number : latest};
	struct console_log_window window = {0};
	if (output.start_number == latest) {
		const json_t *channel = require_channel(request, board);
		if (channel && !channel_is_console(channel))
			reply_problem(request, "channel_not_found", "%s is no console: it keeps no output",
				      request_parameter(request, "name"));
		if (!channel || !channel_is_console(channel))
			return false;
	}
	cleanup_close int fd = open_file(request, board, output.start_number);
	if (fd < 0)
		return false;
	int result = console_log_window(fd, &window);
	if (result < 0) {
		reply_problem(request, "internal_error", "the output cannot be read: %s", strerror(-result));
		return false;
	}
	output.first_offset = window.first_offset;
	output.next_offset = window.next_offset;
	if (place(query, &output) < 0) {
		reply_problem(request, "range_not_satisfiable",
			      "the output ends at offset %lld: %lld lies beyond it",
			      (long long) output.next_offset, (long long) output.offset);
		return false;
	}
	output.fd = TAKE_FD(fd);
	*ret_output = output;
	return true;
}
