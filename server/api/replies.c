#include "server/api/replies.h"

#include <stdlib.h>
#include <string.h>

struct board *require_board(struct request *request, struct app *app)
{
	const char *id = request_parameter(request, "id");
	struct board *board = fleet_find(app->fleet, id);
	if (!board)
		reply_problem(request, "not_found", "there is no instance %.100s: GET /instances lists them",
			      id);
	return board;
}

bool query_timeout_ms(struct request *request, uint64_t *ret_timeout_ms)
{
	double seconds = TIMEOUT_DEFAULT_S;
	struct error error;
	if (request_query_seconds(request, "timeout", TIMEOUT_MAX_S, &seconds, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	*ret_timeout_ms = (uint64_t) (seconds * 1000);
	return true;
}

bool query_wait(struct request *request, bool *ret_wait)
{
	struct error error;
	bool wait = true;
	if (request_query_boolean(request, "wait", &wait, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	*ret_wait = wait;
	return true;
}

bool query_page(struct request *request, struct page_query *ret_page)
{
	struct error error;
	struct page_query page = {.limit = PAGE_LIMIT_DEFAULT, .cursor = request_query(request, "cursor")};
	if (request_query_integer(request, "limit", 1, PAGE_LIMIT_MAX, &page.limit, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	*ret_page = page;
	return true;
}

bool query_label(struct request *request, struct label_query *ret_label)
{
	const char *label = request_query(request, "label");
	const char *colon = label ? strchr(label, ':') : NULL;
	*ret_label = (struct label_query){.key = ""};
	if (!label)
		return true;
	if (!colon || colon == label || colon - label >= (ptrdiff_t) sizeof(ret_label->key)) {
		reply_problem(request, "invalid_parameter", "label must be key:value");
		return false;
	}
	memcpy(ret_label->key, label, (size_t) (colon - label));
	ret_label->value = colon + 1;
	return true;
}

void reply_instance(struct request *request, unsigned status, struct board *board)
{
	reply_json_text(request, status, board_to_text(board));
}

/* One command under way for a client. */
struct commanding {
	struct request *request;
	struct shim_call *call;
	void (*reply)(struct request *request, const json_t *result, void *data);
	void *data;
};

static void on_gone(void *data)
{
	struct commanding *commanding = data;
	shim_call_cancel(commanding->call);
	free(commanding);
}

static void on_done(const struct error *error, const json_t *body, void *data)
{
	struct commanding commanding = *(struct commanding *) data;
	free(data);
	if (error)
		reply_error(commanding.request, error);
	else
		commanding.reply(commanding.request, body, commanding.data);
}

void command_board(struct request *request, struct board *board, const char *command, const json_t *arguments,
		   uint64_t timeout_ms,
		   void (*reply)(struct request *request, const json_t *result, void *data), void *data)
{
	struct error error;
	struct commanding *commanding = malloc(sizeof(*commanding));
	if (!commanding) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*commanding = (struct commanding){.request = request, .reply = reply, .data = data};
	commanding->call = board_command(board, command, arguments, timeout_ms, on_done, commanding, &error);
	if (!commanding->call) {
		free(commanding);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_gone, commanding);
}
