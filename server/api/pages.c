/* What a browser opens: the dashboard, its assets, the specification. */

#include "server/api/handlers.h"
#include "server/api/replies.h"
#include "server/http/static_files.h"

void get_dashboard(struct request *request, void *data)
{
	struct app *app = data;
	static_files_reply(app->web, request, "index.html");
}

void get_asset(struct request *request, void *data)
{
	struct app *app = data;
	static_files_reply(app->web, request, request_parameter(request, "path"));
}

void get_docs(struct request *request, void *data)
{
	struct app *app = data;
	static_files_reply(app->web, request, "docs.html");
}

void get_specification_yaml(struct request *request, void *data)
{
	struct app *app = data;
	static_files_reply(app->specification, request, "openapi.yaml");
}

void get_specification_json(struct request *request, void *data)
{
	struct app *app = data;
	static_files_reply(app->specification, request, "openapi.json");
}
