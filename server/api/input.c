#include "server/api/channels.h"
#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"

struct writing {
	struct request *request;
	struct shim_call *call;
};

static void on_gone(void *data)
{
	struct writing *writing = data;
	shim_call_cancel(writing->call);
	free(writing);
}

/* A write that was not taken whole says how much was. */
static void on_done(const struct error *error, const json_t *body, void *data)
{
	struct writing writing = *(struct writing *) data;
	free(data);
	json_t *written = json_object_get(body, "written");
	json_t *members = written ? json_pack("{s:O}", "written", written) : NULL;
	if (error)
		reply_problem_with(writing.request, error, members);
	else
		reply_json(writing.request, 200, members);
}

static json_t *pack_input(struct request *request)
{
	size_t length;
	const char *bytes = request_body(request, &length);
	cleanup_free char *encoded = base64_encode(bytes, length);
	const char *channel = request_parameter(request, "name");
	return encoded ? json_pack("{s:s, s:s}", "channel", channel, "base64", encoded) : NULL;
}

void write_channel_input(struct request *request, void *app)
{
	uint64_t timeout_ms;
	struct error error;
	struct board *board = require_board(request, app);
	if (!board || !require_channel(request, board) || !query_timeout_ms(request, &timeout_ms))
		return;
	cleanup_json json_t *arguments = pack_input(request);
	struct writing *writing = arguments ? malloc(sizeof(*writing)) : NULL;
	if (!writing) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	writing->request = request;
	writing->call = board_command(board, "input", arguments, timeout_ms, on_done, writing, &error);
	if (!writing->call) {
		free(writing);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_gone, writing);
}
