#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/emulators/registry.h"
#include "core/process/confine.h"

#include <inttypes.h>
#include <sys/statvfs.h>

void get_health(struct request *request, void *app)
{
	(void) app;
	reply_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

void get_readiness(struct request *request, void *data)
{
	struct app *app = data;
	const struct config_limits *limits = &config_server(fleet_config(app->fleet))->limits;
	struct statvfs disk;
	if (access(app->settings->shim_program, X_OK) < 0)
		reply_problem(request, "unavailable", "%s cannot be run: install it beside emud",
			      app->settings->shim_program);
	else if (access(app->settings->state_dir, W_OK) < 0 || statvfs(app->settings->state_dir, &disk) < 0)
		reply_problem(request, "unavailable", "the state directory %s cannot be written",
			      app->settings->state_dir);
	else if ((uint64_t) disk.f_bavail * disk.f_frsize < limits->free_bytes)
		reply_problem(request, "unavailable",
			      "the disk under %s is full: less than %" PRIu64 " bytes are free",
			      app->settings->state_dir, limits->free_bytes);
	else
		reply_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

/* Those that the configuration declares are asked for nothing: only their drivers know a version. */
static json_t *list_emulators(const struct app *app)
{
	json_t *emulators = json_copy(app->emulators), *declaration;
	const char *name;
	json_object_foreach ((json_t *) config_declared_emulators(fleet_config(app->fleet)), name,
			     declaration) {
		const struct emulator *emulator = emulator_find(name);
		cleanup_free char *reason = emulator ? emulator->unavailable(declaration) : NULL;
		json_object_set_new(emulators, name,
				    json_pack("{s:b, s:n}", "available", emulator && !reason, "version"));
	}
	return emulators;
}

void get_version(struct request *request, void *data)
{
	struct app *app = data;
	const struct confine_support *support = app->confinement;
	json_t *features = json_pack("[s, s, s, s, s, s, s, s]", "consoles", "expect", "properties", "gdb",
				     "files", "runs", "events", "websocket");
	if (auth_is_required(app->auth))
		json_array_append_new(features, json_string("tokens"));
	reply_json(request, 200,
		   json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:i, s:b, s:b, s:b}}", "name", "emud", "version",
			     EMUD_VERSION, "api_version", "v1", "features", features, "emulators",
			     list_emulators(app), "confinement", "landlock_abi", support->landlock_abi,
			     "seccomp", support->seccomp, "cgroup", support->cgroup, "namespaces",
			     support->namespaces));
}

void reload_configuration(struct request *request, void *data)
{
	struct app *app = data;
	struct error error;
	json_t *warnings = NULL, *faults = NULL;
	if (app->reload(app, request_actor(request), &warnings, &faults, &error) == 0) {
		json_decref(faults);
		reply_json(
		    request, 200,
		    json_pack("{s:s?, s:o}", "path", app->settings->config_path, "warnings", warnings));
		return;
	}
	json_t *errors = NULL;
	size_t index;
	json_t *fault;
	json_array_foreach (faults, index, fault)
		json_add_fault(&errors, "", json_string_value(fault));
	json_decref(faults);
	json_decref(warnings);
	reply_problem_list(request, error_code_or(&error, "invalid_configuration"), error.message, errors);
}

/* ---- GET /metrics ---- */

static bool count_state(struct board *board, void *data)
{
	json_t *counts = data;
	const char *state = board_state(board);
	json_int_t count = json_integer_value(json_object_get(counts, state));
	json_object_set_new(counts, state, json_integer(count + 1));
	return true;
}

static void append_instances(struct buffer *out, struct app *app)
{
	static const char *const states[] = {"created",  "starting", "running", "paused",
					     "stopping", "exited",   "failed"};
	cleanup_json json_t *counts = json_object();
	fleet_each(app->fleet, NULL, count_state, counts);
	buffer_append_text(out, "# HELP emud_instances Instances by state.\n# TYPE emud_instances gauge\n");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		buffer_append_format(out, "emud_instances{state=\"%s\"} %lld\n", states[i],
				     (long long) json_integer_value(json_object_get(counts, states[i])));
}

static const struct {
	const char *name, *type, *help;
	size_t offset; /* in struct http_server_statistics */
	bool is_wide;  /* uint64_t, else unsigned */
} rows[] = {
#define WIDE(member) offsetof(struct http_server_statistics, member), true
#define NARROW(member) offsetof(struct http_server_statistics, member), false
    {"emud_http_requests_total", "counter", "Requests answered.", WIDE(requests)},
    {"emud_http_sent_bytes_total", "counter", "Bytes of bodies sent.", WIDE(bytes_sent)},
    {"emud_http_connections", "gauge", "Open connections.", NARROW(connections)},
    {"emud_http_websockets", "gauge", "Open WebSockets.", NARROW(websockets)},
    {"emud_http_streams", "gauge", "Replies under way.", NARROW(streams)},
};

static void append_http(struct buffer *out, struct app *app)
{
	struct http_server_statistics statistics;
	http_server_statistics(app->http, &statistics);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = (const char *) &statistics + rows[i].offset;
		uint64_t value = rows[i].is_wide ? *(const uint64_t *) (const void *) at
						 : *(const unsigned *) (const void *) at;
		buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", rows[i].name,
				     rows[i].help, rows[i].name, rows[i].type, rows[i].name, value);
	}
	buffer_append_text(out, "# HELP emud_http_responses_total Responses by class.\n"
				"# TYPE emud_http_responses_total counter\n");
	for (int class = 1; class <= 5; class ++)
		buffer_append_format(out, "emud_http_responses_total{class=\"%dxx\"} %" PRIu64 "\n", class,
				     statistics.responses_by_class[class]);
}

void get_metrics(struct request *request, void *data)
{
	struct app *app = data;
	cleanup_buffer struct buffer out = {0};
	buffer_append_format(
	    &out, "# HELP emud_info The version.\n# TYPE emud_info gauge\nemud_info{version=\"%s\"} 1\n",
	    EMUD_VERSION);
	buffer_append_format(
	    &out,
	    "# HELP emud_start_time_seconds When emud was started.\n# TYPE emud_start_time_seconds gauge\n"
	    "emud_start_time_seconds %.3f\n",
	    (double) app->started_at_ms / 1000);
	append_instances(&out, app);
	append_http(&out, app);
	reply_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.length);
}
