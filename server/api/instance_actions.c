#include "server/api/changes.h"
#include "server/api/handlers.h"
#include "server/api/instance_spec.h"
#include "server/api/instance_wait.h"

#include "core/base/text.h"

#include <string.h>

struct action {
	struct board *board;
	uint64_t timeout_ms;
	bool wait;
};

static bool read_action(struct request *request, struct app *app, struct action *ret_action)
{
	ret_action->board = require_board(request, app);
	return ret_action->board && query_timeout_ms(request, &ret_action->timeout_ms) &&
	       query_wait(request, &ret_action->wait);
}

/* ---- actions that are one command to the shim ---- */

struct commanding {
	struct request *request; /* NULL: the client has gone, or was answered */
	struct app *app;
	struct board *board;
	char *actor;
	bool is_reset;
};

static void destroy_commanding(struct commanding *commanding)
{
	free(commanding->actor);
	free(commanding);
}

static void on_gone(void *data)
{
	struct commanding *commanding = data;
	commanding->request = NULL;
}

/* A reset is no change of state: it is told when it is done, whoever waits for it. */
static void on_done(const struct error *error, const json_t *body, void *data)
{
	(void) body;
	struct commanding *commanding = data;
	board_set_actor(commanding->board, NULL);
	if (commanding->is_reset && !error)
		publish_reset(commanding->app, commanding->board, commanding->actor);
	if (commanding->request && error)
		reply_error(commanding->request, error);
	else if (commanding->request)
		reply_instance(commanding->request, 200, commanding->board);
	destroy_commanding(commanding);
}

static void run(struct request *request, void *app, const char *command)
{
	struct action action;
	struct error error;
	if (!read_action(request, app, &action))
		return;
	struct commanding *commanding = malloc(sizeof(*commanding));
	if (!commanding) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*commanding = (struct commanding){.request = action.wait ? request : NULL,
					  .app = app,
					  .board = action.board,
					  .actor = strdup(request_actor(request)),
					  .is_reset = text_equal(command, "reset")};
	if (!board_command(action.board, command, NULL, action.timeout_ms, on_done, commanding, &error)) {
		destroy_commanding(commanding);
		reply_error(request, &error);
		return;
	}
	board_set_actor(action.board, commanding->actor);
	if (action.wait)
		request_on_gone(request, on_gone, commanding);
	else
		reply_instance(request, 202, action.board);
}

void reset_instance(struct request *request, void *app)
{
	run(request, app, "reset");
}

void pause_instance(struct request *request, void *app)
{
	run(request, app, "pause");
}

void resume_instance(struct request *request, void *app)
{
	run(request, app, "resume");
}

/* ---- start, stop, restart ---- */

static struct board_start read_start(const struct request *request)
{
	const json_t *body = request_json(request), *paused = json_object_get(body, "paused");
	return (struct board_start){
	    .file = json_object_get(body, "file"),
	    .args = json_object_get(body, "args"),
	    .paused = json_is_boolean(paused) ? json_is_true(paused) : -1,
	    .actor = request_actor(request),
	};
}

static void answer(struct request *request, const struct action *action, int result,
		   const struct error *error, board_condition *condition, wait_reply *reply)
{
	if (result < 0)
		reply_error(request, error);
	else if (action->wait)
		reply_when(request, action->board, condition, NULL, action->timeout_ms, reply, 200,
			   "conflict");
	else
		reply_instance(request, 202, action->board);
}

void start_instance(struct request *request, void *app)
{
	struct action action;
	struct error error;
	if (!start_request_check(request, request_json(request)) || !read_action(request, app, &action))
		return;
	const struct board_start start = read_start(request);
	int result = board_start(action.board, &start, &error);
	answer(request, &action, result, &error, board_has_started, reply_started);
}

void stop_instance(struct request *request, void *app)
{
	struct action action;
	struct error error;
	if (!read_action(request, app, &action))
		return;
	int result = board_stop(action.board, request_actor(request), &error);
	answer(request, &action, result, &error, board_has_ended, reply_as_is);
}

void restart_instance(struct request *request, void *app)
{
	struct action action;
	struct error error;
	if (!start_request_check(request, request_json(request)) || !read_action(request, app, &action))
		return;
	const struct board_start start = read_start(request);
	int result = board_restart(action.board, &start, &error);
	answer(request, &action, result, &error, board_has_started, reply_started);
}
