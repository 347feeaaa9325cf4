#include "server/api/gate.h"

#include "core/base/clock.h"
#include "server/api/app.h"
#include "server/api/host_rules.h"
#include "server/http/request.h"

/* *ret_name stays NULL where nobody is asked who they are. ret_is_extended: as auth_check_cookie. */
static int check_caller(const struct request *request, const struct app *app, const char **ret_name,
			bool *ret_is_extended, struct error *error)
{
	const char *authorization = request_header(request, "Authorization");
	const char *cookie = request_header(request, "Cookie");
	long port = host_port(request_header(request, "Host"));
	int result;
	if (!auth_is_required(app->auth))
		return 0;
	if (!authorization && !cookie)
		result = error_set(error, -EACCES, "unauthorized",
				   "a token is needed: send Authorization: Bearer TOKEN, or make a session "
				   "with POST /session");
	else if (authorization)
		result = auth_check_bearer(app->auth, authorization, ret_name, error);
	else
		result = auth_check_cookie(app->auth, cookie, port, clock_wall_ms(), ret_name,
					   ret_is_extended, error);
	return result < 0 && request_has_flag(request, ROUTE_OPEN) ? 0 : result;
}

static int admit_caller(struct request *request, const struct app *app, struct error *error)
{
	const char *name = NULL;
	bool is_extended = false;
	int result = check_caller(request, app, &name, &is_extended, error);
	if (name)
		request_set_actor(request, name);
	if (is_extended) {
		char set_cookie[AUTH_COOKIE_HEADER_SIZE];
		auth_format_cookie(request_header(request, "Cookie"),
				   host_port(request_header(request, "Host")), false, set_cookie);
		reply_header(request, "Set-Cookie", set_cookie);
	}
	return result;
}

int gate_admit(struct request *request, struct error *error, void *data)
{
	struct app *app = data;
	const struct config_server *server = config_server(fleet_config(app->fleet));
	const char *host = request_header(request, "Host"), *origin = request_header(request, "Origin");
	if (!host || !host_is_allowed(host, (const char *const *) server->hosts))
		return error_set(error, -EACCES, "host_not_allowed",
				 "Host %.200s is neither an address nor localhost: add it to server.hosts",
				 host ? host : "(none)");
	if (!origin_is_allowed(origin, host, (const char *const *) server->origins))
		return error_set(error, -EACCES, "origin_not_allowed",
				 "a page of %.200s may not call this service: add it to server.origins",
				 origin);
	return admit_caller(request, app, error);
}

int gate_admits_still(const struct request *request, struct error *error, void *data)
{
	const char *name = NULL;
	return check_caller(request, data, &name, NULL, error);
}
