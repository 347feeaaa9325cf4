/* A request target: its path against a table of routes, its query taken apart. */

#include "core/base/text.h"
#include "server/http/request.h"
#include "server/http/route_table.h"
#include "server/http/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handler(struct request *request, void *app)
{
	(void) request;
	(void) app;
}

static const struct route routes[] = {
    {"GET", "/", handler, BODY_NONE, NULL, "a", 0, 0},
    {"GET", "/items/{id}", handler, BODY_NONE, NULL, "b", 0, 0},
    {"POST", "/items/{id}/parts/{part}", handler, BODY_NONE, NULL, "c", 0, 0},
    {"GET", "/rest/{rest*}", handler, BODY_NONE, NULL, "d", 0, ROUTE_UNVERSIONED},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_path(const char *raw)
{
	static const char *const names[] = {"id", "part", "rest"};
	struct route_path path;
	char *segments = strdup(raw);
	char *whole = strdup(raw);
	struct route_table *table = route_table_create(routes, NULL);
	if (route_path_parse(segments, whole, &path) == 0) {
		struct route_match match;
		route_table_match(table, "HEAD", &path, &match);
		require(text_is_utf8(path.whole, strlen(path.whole)));
		for (size_t i = 0; match.route && i < 3; i++) {
			const char *value = route_match_parameter(&match, &path, names[i]);
			require(!value || text_is_utf8(value, strlen(value)));
			require(!value || strlen(value) <= strlen(raw));
		}
	}
	route_table_destroy(table);
	free(segments);
	free(whole);
}

static void check_query(char *query)
{
	struct uri_parameter *parameters;
	size_t count;
	struct error error = {0};
	if (uri_parse_query(query, &parameters, &count, &error) < 0) {
		require(error.number < 0 && error.message[0]);
		return;
	}
	require(count <= URI_PARAMETERS_MAX);
	for (size_t i = 0; i < count; i++) {
		require(text_is_utf8(parameters[i].name, strlen(parameters[i].name)));
		require(text_is_utf8(parameters[i].value, strlen(parameters[i].value)));
		require(!i || parameters[i].name > parameters[i - 1].value);
	}
	free(parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *target = strndup((const char *) data, size);
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	check_path(target);
	if (query)
		check_query(query);
	free(target);
	return 0;
}
