#include "server/http/request.h"

#include "core/base/text.h"
#include "server/http/exchange.h"

#include <stdio.h>

const char *request_method(const struct request *request)
{
	return request->method;
}

const char *request_path(const struct request *request)
{
	return request->path.whole;
}

const char *request_parameter(const struct request *request, const char *name)
{
	return route_match_parameter(&request->match, &request->path, name);
}

const char *request_query(const struct request *request, const char *name)
{
	size_t index = 0;
	return request_query_next(request, name, &index);
}

const char *request_query_next(const struct request *request, const char *name, size_t *index)
{
	while (*index < request->parameter_count) {
		const struct uri_parameter *parameter = &request->parameters[(*index)++];
		if (text_equal(parameter->name, name))
			return parameter->value;
	}
	return NULL;
}

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const json_t *request_json(const struct request *request)
{
	return request->json;
}

const char *request_body(const struct request *request, size_t *ret_length)
{
	*ret_length = request->body.length;
	return request->body.data ? request->body.data : "";
}

bool request_has_flag(const struct request *request, unsigned route_flag)
{
	const struct route *route = request->match.route;
	return (route ? route->flags : request->match.path_flags) & route_flag;
}

void request_set_actor(struct request *request, const char *actor)
{
	snprintf(request->actor, sizeof(request->actor), "%s", actor);
}

const char *request_actor(const struct request *request)
{
	return request->actor;
}

struct loop *request_loop(const struct request *request)
{
	return request->server->loop;
}

int request_query_boolean(const struct request *request, const char *name, bool *ret_value,
			  struct error *error)
{
	const char *text = request_query(request, name);
	if (!text)
		return 0;
	if (text_equal(text, "true") || text_equal(text, "1") || text_equal(text, "")) {
		*ret_value = true;
		return 0;
	}
	if (text_equal(text, "false") || text_equal(text, "0")) {
		*ret_value = false;
		return 0;
	}
	return error_set(error, -EINVAL, "invalid_parameter", "%s must be true or false", name);
}

int request_query_integer(const struct request *request, const char *name, int64_t minimum, int64_t maximum,
			  int64_t *ret_value, struct error *error)
{
	const char *text = request_query(request, name);
	int64_t value;
	if (!text)
		return 0;
	if (text_to_int64(text, &value) < 0 || value < minimum || value > maximum)
		return error_set(error, -EINVAL, "invalid_parameter",
				 "%s must be an integer from %lld to %lld", name, (long long) minimum,
				 (long long) maximum);
	*ret_value = value;
	return 0;
}

int request_query_seconds(const struct request *request, const char *name, double maximum, double *ret_value,
			  struct error *error)
{
	const char *text = request_query(request, name);
	double value;
	if (!text)
		return 0;
	if (text_to_double(text, &value) < 0 || value < 0 || value > maximum)
		return error_set(error, -EINVAL, "invalid_parameter",
				 "%s must be a number of seconds from 0 to %g", name, maximum);
	*ret_value = value;
	return 0;
}

void request_on_gone(struct request *request, void (*on_gone)(void *data), void *data)
{
	request->on_gone = on_gone;
	request->on_gone_data = data;
}

void request_set_body_sink(struct request *request, const struct body_sink *sink, void *data)
{
	request->sink = sink;
	request->sink_data = data;
}
