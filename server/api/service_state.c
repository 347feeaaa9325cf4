/* GET /service: what an administrator looks at. */

#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/process/confine.h"
#include "server/api/firmware_open.h"
#include "server/events/events.h"
#include "server/runs/runs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/statvfs.h>

static json_t *time_text(int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(wall_ms, text);
	return json_string(text);
}

/* ---- limits ---- */

static const struct {
	const char *name;
	size_t offset; /* in struct config_limits */
	bool is_seconds;
} limit_rows[] = {
#define COUNT(member) \
	{ \
#member, offsetof(struct config_limits, member), false \
	}
#define SECONDS(member) \
	{ \
#member, offsetof(struct config_limits, member), true \
	}
    COUNT(running_instances), COUNT(instances),
    COUNT(console_bytes),     COUNT(free_bytes),
    COUNT(kept_starts),       COUNT(kept_events),
    SECONDS(kept_events_age), COUNT(kept_runs),
    SECONDS(kept_runs_age),   COUNT(kept_runs_bytes),
    COUNT(body_bytes),        COUNT(file_bytes),
    COUNT(input_bytes),       COUNT(process_memory_bytes),
    COUNT(open_files),        SECONDS(start_timeout),
    SECONDS(stop_timeout),
};

static json_t *describe_limits(const struct config_limits *limits)
{
	json_t *json = json_object();
	for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
		const void *at = (const char *) limits + limit_rows[i].offset;
		json_object_set_new(json, limit_rows[i].name,
				    limit_rows[i].is_seconds
					? json_real(*(const double *) at)
					: json_integer((json_int_t) * (const uint64_t *) at));
	}
	return json;
}

/* ---- counts ---- */

static bool count_state(struct board *board, void *data)
{
	json_t *count = json_object_get(data, board_state(board));
	json_integer_set(count, json_integer_value(count) + 1);
	return true;
}

static json_t *count_instances(struct fleet *fleet)
{
	json_t *counts = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "created", 0, "starting", 0,
				   "running", 0, "paused", 0, "stopping", 0, "exited", 0, "failed", 0);
	fleet_each(fleet, NULL, count_state, counts);
	return counts;
}

static json_t *count_runs(const struct runs *runs)
{
	size_t queued, running;
	runs_count(runs, &queued, &running);
	return json_pack("{s:I, s:I}", "queued", (json_int_t) queued, "running", (json_int_t) running);
}

/* ---- problems ---- */

static void add_problem(json_t *problems, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_problem(json_t *problems, const char *code, const char *format, ...)
{
	cleanup_free char *detail = NULL;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&detail, format, arguments) < 0)
		detail = NULL;
	va_end(arguments);
	if (detail)
		json_array_append_new(problems,
				      json_pack("{s:s, s:o}", "code", code, "detail", json_text_of(detail)));
}

/* By reason, so that ten targets of one emulator are one problem. */
static json_t *find_unavailable(const struct config *config)
{
	json_t *reasons = json_object();
	for (const char *const *name = config_target_names(config); name && *name; name++) {
		struct error error = {0};
		cleanup_json json_t *resolved = config_resolve(config, *name, NULL, &error);
		cleanup_free char *reason =
		    resolved ? firmware_unavailable_reason(resolved) : strdup(error.message);
		const char *before = reason ? json_member_string(reasons, reason, NULL) : NULL;
		cleanup_free char *names =
		    text_format("%s%s%s", before ? before : "", before ? ", " : "", *name);
		if (reason && names)
			json_object_set_new(reasons, reason, json_string(names));
	}
	return reasons;
}

static void add_unavailable(json_t *problems, const struct config *config)
{
	cleanup_json json_t *reasons = find_unavailable(config);
	const char *reason;
	json_t *targets;
	json_object_foreach (reasons, reason, targets)
		add_problem(problems, "emulator_unavailable", "%s; needed by %s", reason,
			    json_string_value(targets));
}

static void add_confinement(json_t *problems, const struct confine_support *support)
{
	if (!support->landlock_abi)
		add_problem(
		    problems, "no_landlock",
		    "the kernel has no Landlock: emulators reach every file that emud's user does; it "
		    "is in Linux 5.13 and later, where lsm= names it");
	if (!support->seccomp)
		add_problem(problems, "no_seccomp",
			    "the kernel has no seccomp filters: emulators may make any system call; build it "
			    "with CONFIG_SECCOMP_FILTER");
	if (!support->cgroup)
		add_problem(problems, "no_cgroups",
			    "emud may not make cgroups: processes that leave their parent are found by their "
			    "environment alone; run it as a systemd service with Delegate=yes");
	if (!support->namespaces)
		add_problem(
		    problems, "no_namespaces",
		    "emud may not make user namespaces: ports that emulators open by themselves lie on "
		    "the host, open to all; allow them (sysctl user.max_user_namespaces, or the "
		    "container's settings)");
}

static void add_disk(json_t *problems, const struct app *app, const struct statvfs *disk)
{
	uint64_t wanted = config_server(fleet_config(app->fleet))->limits.free_bytes;
	if ((uint64_t) disk->f_bavail * disk->f_frsize < wanted)
		add_problem(problems, "disk_full",
			    "less than %" PRIu64
			    " bytes are free under %s: boards are paused until there is room; delete "
			    "instances, files or runs that nobody needs, or lower limits.free_bytes",
			    wanted, app->settings->state_dir);
}

static json_t *find_problems(const struct app *app, const struct statvfs *disk)
{
	json_t *problems = json_array();
	if (app->config_refusal)
		add_problem(problems, "configuration_refused",
			    "the configuration was refused, and the one before is in force: %s",
			    json_member_string(app->config_refusal, "detail", ""));
	if (access(app->settings->shim_program, X_OK) < 0)
		add_problem(problems, "shim_missing", "%s cannot be run: install it beside emud",
			    app->settings->shim_program);
	add_disk(problems, app, disk);
	add_unavailable(problems, fleet_config(app->fleet));
	add_confinement(problems, app->confinement);
	return problems;
}

/* ---- the whole ---- */

static json_t *describe_config(const struct app *app)
{
	return json_pack("{s:s?, s:o, s:O, s:O?}", "path", app->settings->config_path, "loaded_at",
			 time_text(app->config_loaded_at_ms), "warnings", app->config_warnings, "refused",
			 app->config_refusal);
}

void get_service(struct request *request, void *data)
{
	const struct app *app = data;
	const struct config_limits *limits = &config_server(fleet_config(app->fleet))->limits;
	struct http_server_statistics http;
	struct statvfs disk;
	if (statvfs(app->settings->state_dir, &disk) < 0) {
		reply_problem(request, "unavailable", "the state directory %s cannot be read",
			      app->settings->state_dir);
		return;
	}
	http_server_statistics(app->http, &http);
	json_t *json = json_pack(
	    "{s:s, s:o, s:f, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "version", EMUD_VERSION,
	    "started_at", time_text(app->started_at_ms), "uptime",
	    (double) (clock_wall_ms() - app->started_at_ms) / 1000, "state_dir", app->settings->state_dir,
	    "free_bytes", (json_int_t) disk.f_bavail * (json_int_t) disk.f_frsize, "disk_bytes",
	    (json_int_t) disk.f_blocks * (json_int_t) disk.f_frsize, "config", describe_config(app), "limits",
	    describe_limits(limits), "instances", count_instances(app->fleet), "runs", count_runs(app->runs),
	    "event_listeners", (json_int_t) events_count_listeners(app->events), "websockets",
	    (json_int_t) http.websockets, "connections", (json_int_t) http.connections, "problems",
	    find_problems(app, &disk));
	reply_json(request, 200, json);
}
