#include "server/api/instance_wait.h"

#include "core/base/text.h"
#include "server/api/handlers.h"

#include <stdlib.h>

struct waiting {
	struct request *request;
	struct board_wait *wait;
	board_condition *condition;
	void *condition_data;
	wait_reply *reply;
	unsigned status;
	const char *impossible_code;
};

static enum board_progress judge(const struct board *board, void *data)
{
	const struct waiting *waiting = data;
	return waiting->condition(board, waiting->condition_data);
}

static void on_gone(void *data)
{
	struct waiting *waiting = data;
	board_wait_cancel(waiting->wait);
	free(waiting->condition_data);
	free(waiting);
}

static void on_result(struct board *board, enum board_wait_result result, void *data)
{
	struct waiting waiting = *(struct waiting *) data;
	free(waiting.condition_data);
	free(data);
	if (result == BOARD_WAIT_DONE)
		waiting.reply(waiting.request, board, waiting.status);
	else if (result == BOARD_WAIT_TIMEOUT)
		reply_problem(waiting.request, "timeout", "%s is %s still: wait longer, or look again later",
			      board_id(board), board_state(board));
	else if (result == BOARD_WAIT_DELETED)
		reply_problem(waiting.request, "gone", "the instance was deleted meanwhile");
	else
		reply_problem(waiting.request, waiting.impossible_code,
			      "%s is %s in start %lld: this can no longer come", board_id(board),
			      board_state(board), (long long) board_start_number(board));
}

void reply_when(struct request *request, struct board *board, board_condition *condition,
		void *condition_data, uint64_t timeout_ms, wait_reply *reply, unsigned status,
		const char *impossible_code)
{
	struct error error;
	struct waiting *waiting = malloc(sizeof(*waiting));
	if (!waiting) {
		free(condition_data);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*waiting = (struct waiting){
	    .request = request,
	    .condition = condition,
	    .condition_data = condition_data,
	    .reply = reply,
	    .status = status,
	    .impossible_code = impossible_code,
	};
	waiting->wait = board_wait_begin(board, judge, timeout_ms, on_result, waiting, &error);
	if (!waiting->wait) {
		free(condition_data);
		free(waiting);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_gone, waiting);
}

void reply_as_is(struct request *request, struct board *board, unsigned status)
{
	reply_instance(request, status, board);
}

void reply_started(struct request *request, struct board *board, unsigned status)
{
	struct error error;
	if (board_start_failure(board, &error))
		reply_error(request, &error);
	else
		reply_instance(request, status, board);
}

/* ---- GET /instances/{id}/wait ---- */

enum aim { AIM_RUNNING, AIM_PAUSED, AIM_ENDED };

struct awaited {
	enum aim aim;
	int64_t start_number; /* 0: whichever start is the next that counts */
};

static enum board_progress condition(const struct board *board, void *data)
{
	static const char *const live[] = {[AIM_RUNNING] = "running", [AIM_PAUSED] = "paused"};
	const struct awaited *awaited = data;
	int64_t current = board_start_number(board);
	if (awaited->start_number > current)
		return BOARD_PENDING;
	bool is_past = awaited->start_number && awaited->start_number < current;
	if (awaited->aim == AIM_ENDED)
		return is_past || (current > 0 && board_is_over(board)) ? BOARD_REACHED : BOARD_PENDING;
	if (is_past)
		return BOARD_UNREACHABLE;
	if (text_equal(board_state(board), live[awaited->aim]))
		return BOARD_REACHED;
	bool has_ended = current > 0 && board_is_over(board);
	return has_ended || text_equal(board_state(board), "stopping") ? BOARD_UNREACHABLE : BOARD_PENDING;
}

void wait_for_instance(struct request *request, void *app)
{
	static const char *const names[] = {
	    [AIM_RUNNING] = "running", [AIM_PAUSED] = "paused", [AIM_ENDED] = "ended"};
	struct board *board = require_board(request, app);
	struct awaited awaited = {0};
	struct error error;
	uint64_t timeout_ms;
	if (!board || !query_timeout_ms(request, &timeout_ms))
		return;
	if (request_query_integer(request, "start_number", 1, INT64_MAX, &awaited.start_number, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	const char *aim = request_query(request, "for");
	while (awaited.aim <= AIM_ENDED && !text_equal(aim, names[awaited.aim]))
		awaited.aim++;
	if (awaited.aim > AIM_ENDED) {
		reply_problem(request, "invalid_parameter", "for must be running, paused or ended");
		return;
	}
	struct awaited *copy = malloc(sizeof(*copy));
	if (!copy) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*copy = awaited;
	reply_when(request, board, condition, copy, timeout_ms, reply_as_is, 200, "ended");
}
