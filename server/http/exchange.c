#include "server/http/exchange.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/http/websocket.h"

#include <string.h>

enum {
	/* A refused body of this size is read and dropped, which keeps the connection; beyond, the answer is
	 * given at once and the connection closed. */
	SWALLOW_QUIETLY_BYTES = 64 * 1024,
	STREAM_TIMEOUT_S = 900,
	POLICY_VIOLATION = 1008, /* why a WebSocket is closed */
};

/* ---- suspending ---- */

void exchange_suspend(struct request *request)
{
	MHD_suspend_connection(request->mhd);
	request->is_suspended = true;
	vigil_add(request->server->vigil, request->connection->fd, request);
}

void exchange_resume(struct request *request)
{
	if (!request->is_suspended)
		return;
	request->is_suspended = false;
	vigil_remove(request->server->vigil, request->connection->fd);
	MHD_resume_connection(request->mhd);
	http_server_pump_soon(request->server);
}

/* The library, told of bytes and of the end behind them at once, reads the bytes and never the end. Whoever
 * is resumed is read again. */
static void read_again(struct request *request)
{
	MHD_suspend_connection(request->mhd);
	MHD_resume_connection(request->mhd);
	http_server_pump_soon(request->server);
}

void exchange_end_of_client(struct request *request)
{
	if (request->body_state != BODY_COMING) {
		exchange_abandon(request);
		return;
	}
	/* What it has sent may yet be all of the body. */
	request->has_client_ended = true;
	read_again(request);
}

void exchange_abandon(struct request *request)
{
	if (!request->is_suspended)
		return;
	request->is_gone = true;
	void (*on_gone)(void *data) = request->on_gone;
	request->on_gone = NULL;
	if (on_gone)
		on_gone(request->on_gone_data);
	exchange_resume(request);
}

void exchange_judge_again(struct request *request)
{
	struct error error;
	const struct http_gate *gate = &request->server->gate;
	if ((!request->stream && !request->websocket) || !gate->admits_still ||
	    gate->admits_still(request, &error, gate->data) != -EACCES)
		return;
	if (request->websocket)
		websocket_close(request->websocket, POLICY_VIOLATION, error.message);
	else if (request->is_suspended)
		exchange_abandon(request);
	else
		request->is_gone = true; /* its next read breaks it off */
}

/* ---- the head ---- */

static int parse_target(struct request *request, struct error *error)
{
	size_t length = strlen(request->raw);
	char *segments = request->raw + length + 1;
	char *whole = segments + length + 1;
	char *query = strchr(request->raw, '?');
	if (query)
		*query++ = '\0';
	request->raw_query = query;
	strcpy(segments, request->raw);
	strcpy(whole, request->raw);
	int result = route_path_parse(segments, whole, &request->path);
	if (result == -ENAMETOOLONG)
		return error_set(error, result, "not_found", "no such resource: the path has too many parts");
	if (result < 0)
		return error_set(error, result, "bad_request",
				 "the path must begin with a slash and be percent-encoded UTF-8 without NUL");
	if (!query)
		return 0;
	return uri_parse_query(query, &request->parameters, &request->parameter_count, error);
}

/* How often a parameter may be given. */
enum parameter_use { USE_NEVER, USE_ONCE, USE_REPEATED };

static enum parameter_use use_of(const struct route *route, const char *name)
{
	for (size_t i = 0; route->query && route->query[i]; i++) {
		const char *known = route->query[i];
		size_t length = strcspn(known, "*");
		if (strlen(name) == length && memcmp(name, known, length) == 0)
			return known[length] ? USE_REPEATED : USE_ONCE;
	}
	return USE_NEVER;
}

/* NULL: nothing. */
static const char *fault_of_parameter(const struct request *request, size_t index)
{
	const char *name = request->parameters[index].name;
	enum parameter_use use = use_of(request->match.route, name);
	if (use == USE_NEVER)
		return "is not a parameter of this call";
	for (size_t i = 0; use == USE_ONCE && i < index; i++)
		if (text_equal(request->parameters[i].name, name))
			return "is given more than once: give it once";
	return NULL;
}

/* False: some are not known, or given too often, and the problem that names each was replied. */
static bool check_parameters(struct request *request)
{
	cleanup_buffer struct buffer detail = {0};
	cleanup_json json_t *errors = NULL;
	bool is_known = true;
	for (size_t i = 0; i < request->parameter_count; i++) {
		const char *name = request->parameters[i].name;
		const char *fault = fault_of_parameter(request, i);
		if (!fault)
			continue;
		is_known &= use_of(request->match.route, name) != USE_NEVER;
		cleanup_free char *pointer = text_format("?%s", name);
		json_add_fault(&errors, pointer ? pointer : "?", fault);
		buffer_append_format(&detail, "%s%s %s", detail.length ? "; " : "query parameter ", name,
				     fault);
	}
	if (!errors)
		return true;
	reply_problem_list(request, is_known ? "invalid_parameter" : "unknown_parameter",
			   detail.data ? detail.data : "wrong query parameters", TAKE(errors));
	return false;
}

/* Answers what no handler is needed for: unknown paths, other methods, OPTIONS. */
static void answer_without_route(struct request *request)
{
	const char *allow = request->match.allow;
	if (!allow[0]) {
		reply_problem(request, "not_found", "there is no resource at %s", request->path.whole);
		return;
	}
	reply_header(request, "Allow", allow);
	if (text_equal(request->method, "OPTIONS"))
		reply_empty(request, 204);
	else
		reply_problem(request, "method_not_allowed", "%s takes %s, not %s", request->path.whole,
			      allow, request->method);
}

static void dispatch(struct request *request)
{
	request->is_dispatched = true;
	request->match.route->handler(request, request->server->app);
}

/* Everything that can be said from the head alone; a refusal here comes before any 100 Continue. */
static void judge(struct request *request)
{
	struct error error;
	error.number = 0;
	error.code = NULL;
	error.message[0] = '\0';
	int result = parse_target(request, &error);
	if (!result) {
		route_table_match(request->server->routes, request->method, &request->path, &request->match);
		if (request->server->gate.admit)
			result = request->server->gate.admit(request, &error, request->server->gate.data);
	}
	if (!result && !request->match.route) {
		answer_without_route(request);
		return;
	}
	if (!result && !check_parameters(request))
		return;
	if (!result)
		result = body_check(request, &error);
	if (result)
		reply_error(request, &error);
	else if (request->match.route->body == BODY_STREAM)
		dispatch(request);
}

static enum MHD_Result queue(struct request *request)
{
	struct MHD_Response *response = TAKE(request->response);
	if (request->stream) {
		request->connection->has_long_timeout = true;
		MHD_set_connection_option(request->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
					  request->patience_s ? request->patience_s : STREAM_TIMEOUT_S);
	}
	enum MHD_Result result = MHD_queue_response(request->mhd, request->status, response);
	MHD_destroy_response(response);
	return result;
}

/* A caller's own id, so that its log and ours can be joined. */
static void take_over_id(struct request *request)
{
	static const char sane[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *id = request_header(request, "X-Request-Id");
	if (!id)
		return;
	size_t length = strlen(id);
	if (length && length <= 64 && strspn(id, sane) == length)
		memcpy(request->id, id, length + 1);
}

static enum MHD_Result begin(struct request *request)
{
	struct error error;
	struct http_server *server = request->server;
	struct connection *connection = request->connection;
	request->head_seen = true;
	take_over_id(request);
	deadline_clear(server->deadlines, &connection->deadline);
	if (connection->has_long_timeout) {
		connection->has_long_timeout = false;
		MHD_set_connection_option(request->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
					  server->idle_timeout_s);
	}
	bool is_sound = head_check(request, &error) == 0;
	if (is_sound)
		judge(request);
	else
		reply_error(request, &error);
	bool has_body = request->is_chunked || request->body_length > 0;
	bool is_swallowed = is_sound && !request->expects_continue && !request->is_chunked &&
			    request->body_length <= SWALLOW_QUIETLY_BYTES;
	if (request->response && (!is_sound || (has_body && !is_swallowed))) {
		connection->is_lingering = has_body;
		return queue(request);
	}
	if (has_body) {
		request->body_state = BODY_COMING;
		vigil_add(server->vigil, connection->fd, request);
		deadline_set(server->deadlines, &connection->deadline, DEADLINE_BODY);
	}
	return MHD_YES;
}

/* ---- the end of the request ---- */

static void end_body(struct request *request)
{
	struct error error;
	if (request->body_state == BODY_WHOLE)
		return;
	if (request->body_state == BODY_COMING)
		vigil_remove(request->server->vigil, request->connection->fd);
	request->body_state = BODY_WHOLE;
	deadline_clear(request->server->deadlines, &request->connection->deadline);
	if (request->response)
		return;
	const struct body_sink *sink = request->sink;
	request->sink = NULL;
	if (sink)
		sink->on_end(request->sink_data);
	if (request->is_dispatched)
		return;
	if (body_finish(request, &error) < 0)
		reply_error(request, &error);
	else
		dispatch(request);
}

enum MHD_Result exchange_on_access(void *data, struct MHD_Connection *mhd, const char *url,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_size, void **context)
{
	(void) data;
	(void) mhd;
	(void) url;
	struct request *request = *context;
	if (!request || request->is_gone || request->server->is_stopping)
		return MHD_NO;
	if (!request->head_seen) {
		request->method = method;
		request->version = version;
		return begin(request);
	}
	if (*upload_size) {
		size_t length = *upload_size;
		*upload_size = 0;
		if (!body_receive(request, upload, length))
			return MHD_NO;
		if (request->has_client_ended)
			read_again(request);
		return MHD_YES;
	}
	end_body(request);
	if (request->response)
		return queue(request);
	exchange_suspend(request);
	return MHD_YES;
}
