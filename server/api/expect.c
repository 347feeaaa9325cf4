#include "server/api/channels.h"
#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/api/expect_body.h"
#include "server/api/expect_reply.h"
#include "server/api/fields.h"
#include "server/watch/expectation.h"

#include <string.h>

/* One call: its place in the output is taken first, its patterns are compiled, then it sends and waits. */
struct expecting {
	struct app *app;
	struct request *request; /* NULL: the client has gone */
	char *id;                /* of the instance, which may go while we compile */
	struct expect_body body;
	struct field_faults faults;
	bool has_other_faults; /* than patterns that cannot be used */
	struct output output;
	struct matching compiling;
	bool is_compiling;
	struct pattern_set *set;
	struct shim_call *sending; /* NULL: nothing is under way */
	struct expectation *expectation;
};

static void let_go(struct expecting *expecting)
{
	shim_call_cancel(expecting->sending);
	expectation_destroy(expecting->expectation);
	pattern_set_unref(expecting->set);
	expect_body_finish(&expecting->body);
	json_decref(expecting->faults.list);
	if (expecting->output.fd >= 0)
		close(expecting->output.fd);
	free(expecting->id);
	free(expecting);
}

static void on_gone(void *data)
{
	struct expecting *expecting = data;
	expecting->request = NULL;
	if (!expecting->is_compiling || matching_cancel(&expecting->compiling))
		let_go(expecting);
}

/* ---- what comes of it ---- */

static void reply_unmatched(struct expecting *expecting, const struct error *error, json_t *more)
{
	json_t *members =
	    json_pack("{s:o}", "seen", expect_pack_seen(expecting->expectation, expecting->output.offset));
	json_object_update(members, more);
	reply_problem_with(expecting->request, error, members);
	let_go(expecting);
}

static void on_outcome(const struct expectation_outcome *outcome, void *data)
{
	struct expecting *expecting = data;
	const char *id = expecting->id;
	struct error error = {0};
	switch (outcome->end) {
	case EXPECTATION_MATCHED:
		reply_json(expecting->request, 200,
			   expect_pack_match(&expecting->body, expecting->set, outcome->match,
					     expecting->output.start_number));
		let_go(expecting);
		return;
	case EXPECTATION_TIMEOUT:
		error_set(&error, -ETIMEDOUT, "timeout",
			  "no pattern matched in time: seen tells what came, and where to go on looking");
		break;
	case EXPECTATION_ENDED:
		error_set(&error, -ENODATA, "ended", "%s has ended, and no pattern matched what it printed",
			  id);
		break;
	case EXPECTATION_DELETED:
		error_set(&error, -ENOENT, "gone", "the instance was deleted meanwhile");
		break;
	case EXPECTATION_FAILED:
		error = *outcome->error;
		break;
	}
	reply_unmatched(expecting, &error, NULL);
}

/* What was sent may be answered before all of it is written. That the instance ended is told by the output's
 * end. */
static void on_sent(const struct error *error, const json_t *body, void *data)
{
	struct expecting *expecting = data;
	expecting->sending = NULL;
	if (!error || text_equal(error->code, "not_running"))
		return;
	json_t *written = json_object_get(body, "written");
	cleanup_json json_t *more = written ? json_pack("{s:O}", "written", written) : NULL;
	reply_unmatched(expecting, error, more);
}

/* ---- sending and waiting ---- */

static int begin_sending(struct expecting *expecting, struct board *board, struct error *error)
{
	if (!expecting->body.send)
		return 0;
	const char *channel = request_parameter(expecting->request, "name");
	cleanup_json json_t *arguments =
	    json_pack("{s:s, s:s}", "channel", channel, "base64", expecting->body.send);
	expecting->sending = arguments ? board_command(board, "input", arguments, expecting->body.timeout_ms,
						       on_sent, expecting, error)
				       : NULL;
	return expecting->sending ? 0 : error->number;
}

static int begin_waiting(struct expecting *expecting, struct board *board, struct error *error)
{
	const struct expectation_options options = {
	    .tail =
		{
		    .fd = TAKE_FD(expecting->output.fd),
		    .offset = expecting->output.offset,
		    .limit = INT64_MAX,
		    .growth = expecting->app->growth,
		    .board = board,
		    .start_number = expecting->output.start_number,
		},
	    .set = expecting->set,
	    .matcher = expecting->app->matcher,
	    .timeout_ms = expecting->body.timeout_ms,
	    .there_offset = expecting->output.next_offset,
	};
	expecting->expectation =
	    expectation_create(expecting->app->loop, &options, on_outcome, expecting, error);
	return expecting->expectation ? 0 : error->number;
}

/* ---- compiling, on the pool ---- */

/* False: they were replied. */
static bool reply_faults(struct expecting *expecting)
{
	if (expecting->has_other_faults)
		return field_faults_reply(&expecting->faults, expecting->request);
	return field_faults_reply_as(&expecting->faults, expecting->request, "invalid_pattern");
}

/* False: a problem was replied. */
static bool begin(struct expecting *expecting)
{
	struct error error = {0};
	struct request *request = expecting->request;
	struct board *board = fleet_find(expecting->app->fleet, expecting->id);
	if (!expecting->set)
		reply_problem(request, "internal_error", "no memory");
	else if (!reply_faults(expecting))
		return false;
	else if (!board)
		reply_problem(request, "gone", "the instance was deleted meanwhile");
	else if (begin_waiting(expecting, board, &error) < 0 || begin_sending(expecting, board, &error) < 0)
		reply_error(request, &error);
	else
		return true;
	return false;
}

static void compile(void *data)
{
	struct expecting *expecting = data;
	expecting->set = expect_body_compile(&expecting->body, &expecting->faults);
}

static void on_compiled(void *data)
{
	struct expecting *expecting = data;
	expecting->is_compiling = false;
	if (!expecting->request || !begin(expecting))
		let_go(expecting);
}

/* ---- POST /instances/{id}/channels/{name}/expect ---- */

/* Where to look from. False: a problem was replied. */
static bool take_place(struct expecting *expecting, const struct board *board)
{
	const struct expect_body *body = &expecting->body;
	struct request *request = expecting->request;
	struct output *output = &expecting->output;
	const struct output_query query = {.has_offset = body->has_offset, .offset = body->offset};
	if (!open_output(request, board, &query, output))
		return false;
	if (!body->has_offset)
		output->offset = output->next_offset;
	if (body->offset >= 0 && body->has_offset && body->offset < output->first_offset)
		reply_problem(request, "gone", "the output is kept from offset %lld on",
			      (long long) output->first_offset);
	else if (board_is_over(board) && (body->send || !body->has_offset))
		reply_problem(
		    request, "not_running",
		    "%s is %s: nothing can be sent, and only what is kept, from an offset on, can match",
		    board_id(board), board_state(board));
	else
		return true;
	return false;
}

static bool prepare(struct expecting *expecting, const struct board *board)
{
	expecting->output.fd = -1;
	expecting->id = strdup(board_id(board));
	if (!expecting->id) {
		reply_problem(expecting->request, "internal_error", "no memory");
		return false;
	}
	if (!expect_body_read(expecting->request, &expecting->body, &expecting->faults))
		return false;
	expecting->has_other_faults = expecting->faults.list;
	return take_place(expecting, board);
}

void expect_channel(struct request *request, void *data)
{
	struct app *app = data;
	const struct board *board = require_board(request, app);
	struct expecting *expecting = board ? calloc(1, sizeof(*expecting)) : NULL;
	if (!expecting) {
		if (board)
			reply_problem(request, "internal_error", "no memory");
		return;
	}
	expecting->app = app;
	expecting->request = request;
	if (!prepare(expecting, board)) {
		let_go(expecting);
		return;
	}
	expecting->is_compiling = true;
	request_on_gone(request, on_gone, expecting);
	matching_begin(&expecting->compiling, app->matcher, compile, on_compiled, expecting);
}
