/* Taking a request's body: limits, JSON, and the sinks of streamed ones. */

#include "server/http/exchange.h"
#include "server/http/field.h"

#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>
#include <strings.h>

enum {
	/* What a client may still send after its request has failed before it is cut off. */
	SWALLOW_BYTES = 64 * 1024 * 1024,
	/* A deadline's worth of progress. */
	PROGRESS_BYTES = 64 * 1024,
};

static uint64_t limit_of(const struct request *request)
{
	const struct route *route = request->match.route;
	if (!route || route->body == BODY_NONE)
		return 0;
	return route->max_body_bytes ? route->max_body_bytes : request->server->max_body_bytes;
}

static int refuse_size(const struct request *request, struct error *error)
{
	const struct route *route = request->match.route;
	if (!route || route->body == BODY_NONE)
		return error_set(error, -EINVAL, "invalid_request", "this call takes no body");
	return error_set(error, -EFBIG, "too_large", "the body is larger than the limit of %llu bytes",
			 (unsigned long long) limit_of(request));
}

static int check_json_type(const struct request *request, struct error *error)
{
	const char *type = request_header(request, "Content-Type");
	if (!field_is_media_type(type, "application/json"))
		return error_set(error, -EINVAL, "unsupported_media_type",
				 "send the body with Content-Type: application/json");
	char charset[32];
	if (field_parameter(type, "charset", charset, sizeof(charset)) && strcasecmp(charset, "utf-8") != 0)
		return error_set(error, -EINVAL, "unsupported_media_type",
				 "JSON is taken in UTF-8 only, not in %s", charset);
	return 0;
}

int body_check(struct request *request, struct error *error)
{
	bool has_body = request->is_chunked || request->body_length > 0;
	const char *encoding = has_body ? request_header(request, "Content-Encoding") : NULL;
	enum body_mode mode = request->match.route->body;
	if (request->body_length > limit_of(request))
		return refuse_size(request, error);
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return error_set(error, -EINVAL, "unsupported_media_type",
				 "bodies are taken without Content-Encoding only");
	if (mode == BODY_JSON || (mode == BODY_JSON_OPTIONAL && has_body))
		return check_json_type(request, error);
	return 0;
}

/* From now on the body is swallowed; the answer waits for its end. */
static void fail(struct request *request, const struct error *error)
{
	const struct body_sink *sink = request->sink;
	request->sink = NULL;
	if (sink && sink->on_abort)
		sink->on_abort(request->sink_data);
	if (!request->response)
		reply_error(request, error);
	buffer_finish(&request->body);
}

bool body_receive(struct request *request, const char *bytes, size_t length)
{
	struct error error = {0};
	request->body_received += length;
	if (request->body_received - request->body_progress >= PROGRESS_BYTES) {
		request->body_progress = request->body_received;
		deadline_set(request->server->deadlines, &request->connection->deadline, DEADLINE_BODY);
	}
	if (request->response)
		return request->body_received <= SWALLOW_BYTES;
	if (request->body_received > limit_of(request)) {
		refuse_size(request, &error);
		fail(request, &error);
		return true;
	}
	int result;
	if (request->sink)
		result = request->sink->on_chunk(bytes, length, &error, request->sink_data);
	else if (request->match.route->body == BODY_STREAM)
		return true; /* the handler wants none of it */
	else
		result = buffer_append(&request->body, bytes, length);
	if (result < 0) {
		if (!error.number)
			error_set(&error, result, "internal_error", "the body could not be taken");
		fail(request, &error);
	}
	return true;
}

int body_finish(struct request *request, struct error *error)
{
	enum body_mode mode = request->match.route->body;
	if (mode == BODY_JSON_OPTIONAL && !request->body.length)
		return 0;
	if (mode != BODY_JSON && mode != BODY_JSON_OPTIONAL)
		return 0;
	const char *text = request->body.data ? request->body.data : "";
	if (!text_is_utf8(text, request->body.length))
		return error_set(error, -EINVAL, "invalid_json", "the body is not UTF-8");
	request->json = json_parse(text, request->body.length, error);
	buffer_finish(&request->body);
	return request->json ? 0 : -EINVAL;
}
