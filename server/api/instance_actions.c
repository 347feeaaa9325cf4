#include "server/api/changes.h"
#include "server/api/handlers.h"
#include "server/api/instance_spec.h"
#include "server/api/instance_wait.h"

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

static void reply_now(struct request *request, const json_t *result, void *data)
{
	(void) result;
	reply_instance(request, 200, data);
}

static void run(struct request *request, void *app, const char *command)
{
	struct action action;
	struct error error;
	if (!read_action(request, app, &action))
		return;
	board_set_actor(action.board, request_actor(request));
	if (action.wait)
		command_board(request, action.board, command, NULL, action.timeout_ms, reply_now,
			      action.board);
	else if (board_command_quietly(action.board, command, action.timeout_ms, &error) < 0)
		reply_error(request, &error);
	else
		reply_instance(request, 202, action.board);
}

void pause_instance(struct request *request, void *app)
{
	run(request, app, "pause");
}

void resume_instance(struct request *request, void *app)
{
	run(request, app, "resume");
}

/* ---- reset: no change of state, but told when it is done, whoever waits for it ---- */

struct resetting {
	struct request *request; /* NULL: the client has gone, or was answered */
	struct app *app;
	struct board *board;
	char *actor;
};

static void on_reset_gone(void *data)
{
	struct resetting *resetting = data;
	resetting->request = NULL;
}

static void on_reset(const struct error *error, const json_t *body, void *data)
{
	(void) body;
	struct resetting *resetting = data;
	if (!error)
		publish_reset(resetting->app, resetting->board, resetting->actor);
	if (resetting->request && error)
		reply_error(resetting->request, error);
	else if (resetting->request)
		reply_instance(resetting->request, 200, resetting->board);
	free(resetting->actor);
	free(resetting);
}

void reset_instance(struct request *request, void *app)
{
	struct action action;
	struct error error;
	if (!read_action(request, app, &action))
		return;
	struct resetting *resetting = malloc(sizeof(*resetting));
	if (!resetting) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*resetting = (struct resetting){.request = action.wait ? request : NULL,
					.app = app,
					.board = action.board,
					.actor = strdup(request_actor(request))};
	board_set_actor(action.board, resetting->actor);
	if (!board_command(action.board, "reset", NULL, action.timeout_ms, on_reset, resetting, &error)) {
		free(resetting->actor);
		free(resetting);
		reply_error(request, &error);
	} else if (action.wait) {
		request_on_gone(request, on_reset_gone, resetting);
	} else {
		reply_instance(request, 202, action.board);
	}
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
