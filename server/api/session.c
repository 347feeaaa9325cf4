#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "server/api/fields.h"
#include "server/api/host_rules.h"

#include <string.h>

/* The token of the body, or of the Authorization header; NULL: none was sent. */
static const char *sent_token(const struct request *request)
{
	static const char scheme[] = "Bearer ";
	const char *header = request_header(request, "Authorization");
	const char *token = json_member_string(request_json(request), "token", NULL);
	if (token || !header || strncasecmp(header, scheme, strlen(scheme)) != 0)
		return token;
	return header + strlen(scheme);
}

void create_session(struct request *request, void *data)
{
	static const struct field fields[] = {{"token", FIELD_STRING, true}, {NULL, FIELD_ANY, false}};
	struct app *app = data;
	struct field_faults faults = {0};
	struct error error;
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	if (request_json(request))
		fields_check(request_json(request), fields, "", &faults);
	if (!field_faults_reply(&faults, request))
		return;
	if (!auth_is_required(app->auth)) {
		reply_empty(request, 204);
		return;
	}
	const char *token = sent_token(request);
	long port = host_port(request_header(request, "Host"));
	if (!token)
		reply_problem(request, "unauthorized",
			      "send {\"token\": ...} or Authorization: Bearer TOKEN");
	else if (auth_begin_session(app->auth, token, port, clock_wall_ms(), false, set_cookie, &error) < 0)
		reply_error(request, &error);
	else {
		reply_header(request, "Set-Cookie", set_cookie);
		reply_empty(request, 204);
	}
}

void delete_session(struct request *request, void *data)
{
	struct app *app = data;
	struct error error;
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	if (!auth_is_required(app->auth)) {
		reply_empty(request, 204);
		return;
	}
	if (auth_end_session(app->auth, request_header(request, "Cookie"),
			     host_port(request_header(request, "Host")), false, set_cookie, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	http_server_judge_again(app->http);
	reply_header(request, "Set-Cookie", set_cookie);
	reply_empty(request, 204);
}
