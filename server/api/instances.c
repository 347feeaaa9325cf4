#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

/* ---- GET /instances ---- */

struct listing {
	const char *state, *target;
	struct label_query label;
	int64_t limit;
	json_t *items;
	char *last_id; /* of the page, where more follow */
};

static bool fits(const struct board *board, const struct listing *listing)
{
	if (listing->state && !text_equal(board_state(board), listing->state))
		return false;
	if (listing->target && !text_equal(board_target(board), listing->target))
		return false;
	if (!listing->label.key[0])
		return true;
	const json_t *value = json_object_get(board_labels(board), listing->label.key);
	return text_equal(json_string_value(value), listing->label.value);
}

static bool list_board(struct board *board, void *data)
{
	struct listing *listing = data;
	if (!fits(board, listing))
		return true;
	size_t count = json_array_size(listing->items);
	if ((int64_t) count < listing->limit)
		return json_array_append_new(listing->items, board_to_json(board)) == 0;
	const json_t *last = json_array_get(listing->items, count - 1);
	listing->last_id = strdup(json_string_value(json_object_get(last, "id")));
	return false;
}

static bool read_filters(struct request *request, struct listing *listing)
{
	static const char *const states[] = {"created",  "starting", "running", "paused",
					     "stopping", "exited",   "failed",  NULL};
	listing->state = request_query(request, "state");
	listing->target = request_query(request, "target");
	const char *const *known = states;
	while (listing->state && *known && !text_equal(*known, listing->state))
		known++;
	if (listing->state && !*known) {
		reply_problem(request, "invalid_parameter",
			      "state must be created, starting, running, paused, stopping, exited or failed");
		return false;
	}
	return query_label(request, &listing->label);
}

void list_instances(struct request *request, void *data)
{
	struct app *app = data;
	struct page_query page;
	struct listing listing = {0};
	if (!query_page(request, &page) || !read_filters(request, &listing))
		return;
	listing.limit = page.limit;
	listing.items = json_array();
	fleet_each(app->fleet, page.cursor, list_board, &listing);
	cleanup_free char *last_id = listing.last_id;
	reply_json(request, 200,
		   json_pack("{s:o, s:s?}", "instances", listing.items, "next_cursor", last_id));
}

/* ---- GET, DELETE /instances/{id} ---- */

/* `pw emu` may have paused or resumed an adopted one unheard: its emulator is asked. One with ptys looks for
 * clients once a second. */
enum { LOOK_TIMEOUT_MS = 1500 };

struct looking {
	struct request *request;
	struct app *app;
	struct shim_call *call;
};

static void on_look_gone(void *data)
{
	struct looking *looking = data;
	shim_call_cancel(looking->call);
	free(looking);
}

/* Whatever came of it; the instance may be gone meanwhile. */
static void on_looked(const struct error *error, const json_t *body, void *data)
{
	(void) error;
	(void) body;
	struct looking looking = *(struct looking *) data;
	free(data);
	struct board *board = require_board(looking.request, looking.app);
	if (board)
		reply_instance(looking.request, 200, board);
}

void get_instance(struct request *request, void *app)
{
	struct error error;
	struct board *board = require_board(request, app);
	if (!board)
		return;
	struct looking *looking =
	    board_is_adopted(board) && board_is_live(board) ? malloc(sizeof(*looking)) : NULL;
	if (looking) {
		*looking = (struct looking){.request = request, .app = app};
		looking->call =
		    board_command(board, "status", NULL, LOOK_TIMEOUT_MS, on_looked, looking, &error);
	}
	if (looking && looking->call) {
		request_on_gone(request, on_look_gone, looking);
		return;
	}
	free(looking);
	reply_instance(request, 200, board);
}

struct deleting {
	struct request *request; /* NULL: the client has gone, or was answered */
	struct loop_timer *deadline;
};

static void on_delete_gone(void *data)
{
	struct deleting *deleting = data;
	deleting->request = NULL;
	loop_timer_destroy(TAKE(deleting->deadline));
}

static void on_delete_late(void *data)
{
	struct deleting *deleting = data;
	struct request *request = TAKE(deleting->request);
	loop_timer_destroy(TAKE(deleting->deadline));
	reply_problem(request, "timeout",
		      "the instance is being stopped still; it will be removed when it has ended");
}

static void on_deleted(const struct error *error, void *data)
{
	struct deleting *deleting = data;
	if (deleting->request && error)
		reply_error(deleting->request, error);
	else if (deleting->request)
		reply_empty(deleting->request, 204);
	loop_timer_destroy(deleting->deadline);
	free(deleting);
}

void delete_instance(struct request *request, void *data)
{
	struct app *app = data;
	uint64_t timeout_ms;
	bool wait;
	struct board *board = require_board(request, app);
	if (!board || !query_timeout_ms(request, &timeout_ms) || !query_wait(request, &wait))
		return;
	struct error error;
	struct deleting *deleting = calloc(1, sizeof(*deleting));
	if (deleting)
		deleting->deadline = loop_timer_create(app->loop, on_delete_late, deleting, &error);
	if (!deleting || !deleting->deadline) {
		free(deleting);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	/* It may be over within the call. */
	deleting->request = wait ? request : NULL;
	if (wait)
		loop_timer_start(deleting->deadline, timeout_ms);
	if (wait)
		request_on_gone(request, on_delete_gone, deleting);
	if (board_delete(board, request_actor(request), on_deleted, deleting, &error) < 0) {
		loop_timer_destroy(deleting->deadline);
		free(deleting);
		reply_error(request, &error);
		return;
	}
	if (!wait) {
		board = fleet_find(app->fleet, request_parameter(request, "id"));
		if (board)
			reply_instance(request, 202, board);
		else
			reply_empty(request, 204);
	}
}
