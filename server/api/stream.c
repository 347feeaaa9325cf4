#include "server/api/channels.h"
#include "server/api/console_socket.h"
#include "server/api/handlers.h"
#include "server/api/replies.h"
#include "server/api/tunnel_socket.h"
#include "server/http/websocket.h"

static void open_console(struct request *request, struct app *app, struct board *board)
{
	struct output_query query;
	struct output output;
	if (!query_output(request, &query) || !open_output(request, board, &query, &output))
		return;
	const struct tail_options tail = {
	    .fd = output.fd,
	    .offset = output.offset,
	    .limit = INT64_MAX,
	    .growth = app->growth,
	    .board = board,
	    .start_number = output.start_number,
	};
	reply_console_socket(request, &tail);
}

/* A tunnel has no past: it knows neither offsets nor starts. */
static bool check_tunnel(struct request *request, const struct board *board)
{
	if (request_query(request, "offset") || request_query(request, "start_number"))
		reply_problem(request, "invalid_parameter",
			      "offset and start_number are for consoles: %s keeps no output",
			      request_parameter(request, "name"));
	else if (!board_is_live(board))
		reply_problem(request, "not_running", "%s is %s, not running: start it first",
			      board_id(board), board_state(board));
	else
		return true;
	return false;
}

void stream_channel(struct request *request, void *data)
{
	struct app *app = data;
	struct board *board = require_board(request, app);
	if (!board)
		return;
	if (!request_is_websocket(request)) {
		reply_problem(request, "upgrade_required",
			      "this is a WebSocket: ask for an upgrade (version 13)");
		return;
	}
	/* An earlier start may have had a console that the latest one has no more. */
	const json_t *channel = json_object_get(board_channels(board), request_parameter(request, "name"));
	if (!channel || channel_is_console(channel))
		open_console(request, app, board);
	else if (check_tunnel(request, board))
		reply_tunnel_socket(request, board);
}
