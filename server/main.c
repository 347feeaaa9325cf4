/* emud: boards over HTTP. Wires the parts together; see ARCHITECTURE.md for the tour. */

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/growth.h"
#include "core/emulators/registry.h"
#include "core/loop/listener.h"
#include "core/process/confine.h"
#include "server/api/app.h"
#include "server/api/changes.h"
#include "server/api/firmware_open.h"
#include "server/api/gate.h"
#include "server/api/routes.h"
#include "server/demo.h"
#include "server/events/events.h"
#include "server/http/problem.h"
#include "server/http/static_files.h"
#include "server/notify.h"
#include "server/runs/runs.h"
#include "server/versions.h"
#include "server/watch/matching.h"
#include "server/watch/samples.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

enum { HTTP_IDLE_TIMEOUT_S = 60 };

struct service {
	struct app app;
	struct settings settings;
	struct confine_support confinement;
	struct config *config;
	struct versions *versions;
	struct loop_signal *on_terminate, *on_interrupt, *on_hangup;
	int state_lock_fd, listen_fd;
	char *base_url;
	bool stopping;
};

/* ---- configuration ---- */

static struct config *load_config(const struct settings *settings, struct config_report *report,
				  struct error *error)
{
	cleanup_free char *path = settings_config_file(settings);
	if (!path) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	struct config *config = config_load(path, emulator_config_rows(), report);
	size_t errors = config_report_error_count(report);
	if (!config)
		error_set(error, -EINVAL, "invalid_configuration", "%s has %zu %s", path, errors,
			  errors == 1 ? "error" : "errors");
	return config;
}

static void print_report(const struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		cleanup_free char *line = config_problem_format(&report->problems[i]);
		fprintf(stderr, "%s%s\n", report->problems[i].is_warning ? "warning: " : "",
			line ? line : "");
	}
}

static void split_report(const struct config_report *report, json_t *warnings, json_t *errors)
{
	for (size_t i = 0; i < report->count; i++) {
		cleanup_free char *line = config_problem_format(&report->problems[i]);
		json_array_append_new(report->problems[i].is_warning ? warnings : errors,
				      json_text_of(line ? line : ""));
	}
}

static void note_configuration(struct app *app, const struct error *error, json_t *warnings, json_t *errors)
{
	char now[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), now);
	json_decref(TAKE(app->config_refusal));
	if (error) {
		app->config_refusal = json_pack("{s:s, s:o, s:O}", "time", now, "detail",
						json_text_of(error->message), "errors", errors);
		return;
	}
	json_decref(app->config_warnings);
	app->config_warnings = json_incref(warnings);
	app->config_loaded_at_ms = clock_wall_ms();
}

static struct events_limits events_limits(const struct config *config)
{
	const struct config_limits *limits = &config_server(config)->limits;
	return (struct events_limits){.kept = limits->kept_events, .kept_age_s = limits->kept_events_age};
}

static void publish_reload(struct app *app, const char *actor, const struct error *error,
			   const json_t *warnings, const json_t *errors)
{
	const struct event event = {
	    .type = error ? "config.refused" : "config.reloaded",
	    .actor = actor,
	    .data = error ? json_pack("{s:o, s:O}", "detail", json_text_of(error->message), "errors", errors)
			  : json_pack("{s:O}", "warnings", warnings),
	};
	events_publish(app->events, &event);
}

static int reload(struct app *app, const char *actor, json_t **ret_warnings, json_t **ret_errors,
		  struct error *error)
{
	struct config_report report = {0};
	struct config *config = load_config(app->settings, &report, error);
	if (!config)
		error_wrap(error, "nothing was changed");
	json_t *warnings = json_array(), *errors = json_array();
	split_report(&report, warnings, errors);
	config_report_finish(&report);
	int result = config ? auth_reload(app->auth, error) : error->number;
	if (!result)
		result = fleet_set_config(app->fleet, config, error);
	if (!result) {
		const struct events_limits limits = events_limits(config);
		events_set_limits(app->events, &limits);
		runs_limits_changed(app->runs);
	}
	config_unref(config);
	log_event(app->log, result ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
		  result ? "config.refused" : "config.reloaded", "detail", result ? error->message : NULL,
		  NULL);
	note_configuration(app, result ? error : NULL, warnings, errors);
	publish_reload(app, actor, result ? error : NULL, warnings, errors);
	if (app->http) /* the tokens may be others */
		http_server_judge_again(app->http);
	*ret_warnings = warnings;
	*ret_errors = errors;
	return result;
}

/* ---- signals ---- */

static void on_all_stopped(void *data)
{
	struct service *service = data;
	loop_stop(service->app.loop);
}

static void publish_stop(struct app *app, const char *actor, bool with_boards)
{
	const struct event event = {.type = "service.stopping",
				    .actor = actor,
				    .data = json_pack("{s:b}", "stops_instances", with_boards)};
	events_publish(app->events, &event);
}

/* A second signal does not wait for boards that will not end. */
static void shut_down(struct service *service, const char *actor, bool with_boards)
{
	notify_systemd("STOPPING=1");
	if (!service->stopping)
		publish_stop(&service->app, actor, with_boards);
	if (!with_boards || service->stopping) {
		loop_stop(service->app.loop);
		return;
	}
	service->stopping = true;
	log_event(service->app.log, LOG_LEVEL_INFO, "emud.stopping", "detail", "ending the boards", NULL);
	fleet_stop_all(service->app.fleet, on_all_stopped, service);
}

static void on_terminate(int signal_number, void *data)
{
	(void) signal_number;
	struct service *service = data;
	shut_down(service, "SIGTERM", service->settings.stop_instances_on_exit);
}

static void on_interrupt(int signal_number, void *data)
{
	(void) signal_number;
	shut_down(data, "SIGINT", true);
}

static void on_hangup(int signal_number, void *data)
{
	(void) signal_number;
	struct service *service = data;
	json_t *warnings = NULL, *errors = NULL;
	struct error error;
	notify_systemd("RELOADING=1");
	reload(&service->app, "SIGHUP", &warnings, &errors, &error);
	size_t index;
	json_t *line;
	json_array_foreach (errors, index, line)
		log_event(service->app.log, LOG_LEVEL_ERROR, "config.error", "detail",
			  json_string_value(line), NULL);
	json_decref(warnings);
	json_decref(errors);
	notify_systemd("READY=1");
}

/* ---- coming up ---- */

static int open_state(struct service *service, struct error *error)
{
	const char *state_dir = service->settings.state_dir;
	cleanup_free char *instances = text_format("%s/instances", state_dir);
	cleanup_free char *lock = text_format("%s/emud.lock", state_dir);
	if (!instances || !lock)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int result = file_make_directories(instances, 0700, error);
	if (result < 0)
		return error_wrap(error, "state directory (--state-dir)");
	service->state_lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (service->state_lock_fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot make %s", lock);
	/* A lock of the process: a child of a killed emud that has not come to its exec holds nothing. */
	const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(service->state_lock_fd, F_SETLK, &whole) < 0)
		return error_set(error, -EBUSY, NULL,
				 "another emud runs on %s: stop it, or give another --state-dir", state_dir);
	return 0;
}

static int open_events(struct service *service, struct error *error)
{
	struct app *app = &service->app;
	const struct events_limits limits = events_limits(service->config);
	app->events = events_create(app->loop, app->store, app->log, &limits, error);
	if (!app->events)
		return error->number;
	const struct event event = {.type = "service.started",
				    .data = json_pack("{s:s}", "version", EMUD_VERSION)};
	events_publish(app->events, &event);
	return 0;
}

static int open_files(struct service *service, struct error *error)
{
	struct app *app = &service->app;
	const struct settings *settings = &service->settings;
	cleanup_free char *database = text_format("%s/emud.db", settings->state_dir);
	cleanup_free char *files = text_format("%s/files", settings->state_dir);
	cleanup_free char *web = text_format("%s/web", settings->share_dir);
	cleanup_free char *openapi = text_format("%s/openapi", settings->share_dir);
	if (!database || !files || !web || !openapi)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (!(app->store = store_open(database, error)) ||
	    store_start_checkpoints(app->store, app->loop, error) < 0)
		return error->number;
	if (!(app->auth = auth_create(settings->token_file, app->store, error)))
		return error->number;
	app->files =
	    file_store_create(files, app->store, config_server(service->config)->limits.file_bytes, error);
	if (!app->files || !(app->web = static_files_create(web, error)) ||
	    !(app->specification = static_files_create(openapi, error)))
		return error->number;
	return open_events(service, error);
}

static int make_fleet(struct service *service, struct error *error)
{
	struct app *app = &service->app;
	const struct config_server *server = config_server(service->config);
	const struct fleet_options options = {
	    .loop = app->loop,
	    .log = app->log,
	    .store = app->store,
	    .state_dir = service->settings.state_dir,
	    .shim_program = service->settings.shim_program,
	    .raw_channels = server->raw_channels_given ? server->raw_channels : !service->settings.token_file,
	    .bundled = !service->settings.config_path,
	    .open_firmware = firmware_open,
	    .can_adopt = firmware_can_adopt,
	    .on_change = publish_change,
	    .data = app,
	};
	app->fleet = fleet_create(&options, service->config, error);
	return app->fleet ? 0 : error->number;
}

static void release_file(const char *sha256, void *data)
{
	struct app *app = data;
	file_store_release(app->files, sha256, NULL);
}

static int make_runs(struct service *service, struct error *error)
{
	struct app *app = &service->app;
	const struct runs_options options = {
	    .loop = app->loop,
	    .log = app->log,
	    .store = app->store,
	    .fleet = app->fleet,
	    .growth = app->growth,
	    .matcher = app->matcher,
	    .events = app->events,
	    .state_dir = service->settings.state_dir,
	    .release_file = release_file,
	    .data = app,
	};
	app->runs = runs_create(&options, error);
	return app->runs ? 0 : error->number;
}

static int watch_signals(struct service *service, struct error *error)
{
	struct loop *loop = service->app.loop;
	signal(SIGPIPE, SIG_IGN);
	/* Shims outlive us; while they do not, nobody waits for them. */
	signal(SIGCHLD, SIG_IGN);
	service->on_terminate = loop_signal_create(loop, SIGTERM, on_terminate, service, error);
	service->on_interrupt = loop_signal_create(loop, SIGINT, on_interrupt, service, error);
	service->on_hangup = loop_signal_create(loop, SIGHUP, on_hangup, service, error);
	return service->on_terminate && service->on_interrupt && service->on_hangup ? 0 : error->number;
}

static struct log *make_log(const struct settings *settings)
{
	enum log_level level = LOG_LEVEL_INFO;
	if (settings->log_level)
		log_level_from_text(settings->log_level, &level);
	return log_create(STDERR_FILENO, level,
			  text_equal(settings->log_format, "json") ? LOG_FORMAT_JSON : LOG_FORMAT_KEY_VALUE);
}

static void log_start(struct log *log, const struct confine_support *support)
{
	char landlock_abi[16];
	snprintf(landlock_abi, sizeof(landlock_abi), "%d", support->landlock_abi);
	log_event(log, LOG_LEVEL_INFO, "emud.started", "version", EMUD_VERSION, "landlock_abi", landlock_abi,
		  "seccomp", support->seccomp ? "true" : "false", "cgroup",
		  support->cgroup ? "true" : "false", "namespaces", support->namespaces ? "true" : "false",
		  NULL);
}

static int set_up(struct service *service, struct error *error)
{
	struct app *app = &service->app;
	int result = open_state(service, error);
	if (result < 0)
		return result;
	app->settings = &service->settings;
	app->reload = reload;
	app->started_at_ms = clock_wall_ms();
	app->emulators = json_object();
	app->log = make_log(&service->settings);
	if (!app->log || !app->emulators)
		return error_set(error, -ENOMEM, NULL, "no memory");
	confine_probe(&service->confinement);
	app->confinement = &service->confinement;
	log_start(app->log, app->confinement);
	if (!(app->loop = loop_create(error)) || !(app->growth = growth_create(app->loop, error)) ||
	    !(app->matcher = matcher_create(app->loop, error)))
		return error->number;
	if (growth_keep(app->growth, error) < 0)
		log_event(app->log, LOG_LEVEL_WARNING, "growth.unwatched", "detail", error->message, NULL);
	result = watch_signals(service, error);
	if (!result)
		result = open_files(service, error);
	if (!result)
		result = make_fleet(service, error);
	if (!result)
		result = make_runs(service, error);
	if (result < 0)
		return result;
	if (!(app->samples = samples_create(app->loop, app->fleet, app->growth, error)))
		return error->number;
	service->versions = versions_create(app->loop, app->emulators, error);
	return service->versions ? 0 : error->number;
}

/* Bound early, so that a taken port is told at once; accepted from when every board is known. */
static int open_port(struct service *service, struct error *error)
{
	uint16_t port;
	bool is_v6 = strchr(service->settings.host, ':') != NULL;
	service->listen_fd = listener_open_tcp(service->settings.host, service->settings.port, &port, error);
	if (service->listen_fd < 0)
		return error_wrap(error, error->number == -EADDRINUSE ? "give another port with --listen"
								      : "--listen");
	service->base_url =
	    text_format(is_v6 ? "http://[%s]:%u" : "http://%s:%u", service->settings.host, port);
	return service->base_url ? 0 : error_set(error, -ENOMEM, NULL, "no memory");
}

static void on_fleet_ready(void *data)
{
	struct service *service = data;
	struct app *app = &service->app;
	struct error error;
	const struct http_server_options options = {
	    .loop = app->loop,
	    .log = app->log,
	    .listen_fd = TAKE_FD(service->listen_fd),
	    .routes = api_routes,
	    .app = app,
	    .gate = {.admit = gate_admit, .admits_still = gate_admits_still, .data = app},
	    .max_body_bytes = config_server(service->config)->limits.body_bytes,
	    .idle_timeout_s = HTTP_IDLE_TIMEOUT_S,
	};
	if (runs_recover(app->runs, &error) == 0)
		app->http = http_server_create(&options, &error);
	if (!app->http) {
		log_event(app->log, LOG_LEVEL_ERROR, "http.failed", "detail", error.message, NULL);
		loop_stop(app->loop);
		return;
	}
	bool has_demo = service->settings.demo && demo_start(app);
	printf("listening on %s\n", service->base_url);
	fflush(stdout);
	if (has_demo)
		demo_print(service->base_url);
	notify_systemd("READY=1");
}

static void tear_down(struct service *service)
{
	struct app *app = &service->app;
	runs_leave(app->runs);
	http_server_destroy(app->http);
	runs_destroy(app->runs);
	samples_destroy(TAKE(app->samples));
	fleet_destroy(app->fleet);
	matcher_destroy(app->matcher);
	growth_destroy(app->growth);
	versions_destroy(service->versions);
	static_files_destroy(app->web);
	static_files_destroy(app->specification);
	auth_destroy(app->auth);
	events_destroy(app->events);
	store_close(app->store);
	loop_signal_destroy(service->on_terminate);
	loop_signal_destroy(service->on_interrupt);
	loop_signal_destroy(service->on_hangup);
	loop_destroy(app->loop);
	/* An upload that the pool was at has gone with the loop. */
	file_store_destroy(app->files);
	json_decref(app->emulators);
	json_decref(app->config_warnings);
	json_decref(app->config_refusal);
	log_destroy(app->log);
	config_unref(service->config);
	settings_finish(&service->settings);
	free(service->base_url);
	if (service->listen_fd >= 0)
		close(service->listen_fd);
	if (service->state_lock_fd >= 0)
		close(service->state_lock_fd);
}

/* A board takes two descriptors, a client one: the limit is what the administrator allows at most. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(struct service *service)
{
	raise_descriptor_limit();
	struct error error;
	int result = settings_complete(&service->settings, config_server(service->config), &error);
	if (!result)
		result = open_port(service, &error);
	if (!result)
		result = set_up(service, &error);
	if (!result)
		result = fleet_recover(service->app.fleet, on_fleet_ready, service, &error);
	if (!result) {
		loop_run(service->app.loop);
		return service->app.http ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fprintf(stderr, "emud: %s\n", error.message);
	return EXIT_FAILURE;
}

/* ---- what only prints ---- */

static int print_routes(void)
{
	for (const struct route *route = api_routes; route->pattern; route++)
		printf("{\"method\":\"%s\",\"pattern\":\"%s\",\"operation_id\":\"%s\"}\n", route->method,
		       route->pattern, route->operation_id);
	return EXIT_SUCCESS;
}

static int print_problems(void)
{
	size_t count;
	const struct problem *problems = problem_table(&count);
	for (size_t i = 0; i < count; i++)
		printf("{\"code\":\"%s\",\"status\":%u}\n", problems[i].code, problems[i].status);
	return EXIT_SUCCESS;
}

static int print_only(const struct settings *settings)
{
	switch (settings->mode) {
	case SETTINGS_PRINT_ROUTES:
		return print_routes();
	case SETTINGS_PRINT_PROBLEMS:
		return print_problems();
	case SETTINGS_VERSION:
		puts("emud " EMUD_VERSION);
		return EXIT_SUCCESS;
	case SETTINGS_HELP:
		fputs(settings_usage, stdout);
		return EXIT_SUCCESS;
	case SETTINGS_RUN:
	case SETTINGS_CHECK_CONFIG:
		break;
	}
	return -1;
}

static int start(struct service *service)
{
	struct config_report report = {0};
	struct error error;
	int status = print_only(&service->settings);
	if (status >= 0)
		return status;
	if (settings_find_programs(&service->settings, &error) == 0)
		service->config = load_config(&service->settings, &report, &error);
	print_report(&report);
	cleanup_json json_t *warnings = json_array(), *errors = json_array();
	split_report(&report, warnings, errors);
	note_configuration(&service->app, NULL, warnings, errors);
	config_report_finish(&report);
	if (!service->config) {
		fprintf(stderr, "emud: %s\n", error.message);
		return EXIT_FAILURE;
	}
	if (service->settings.mode == SETTINGS_CHECK_CONFIG) {
		printf("%s is sound\n", config_path(service->config));
		return EXIT_SUCCESS;
	}
	return run(service);
}

int main(int argc, char **argv)
{
	/* A free that leaves 64 KiB of free neighbours, which most requests' do, would sweep the fast
	 * bins. */
	mallopt(M_MXFAST, 0);
	struct service service = {.state_lock_fd = -1, .listen_fd = -1};
	struct error error;
	if (settings_parse(argc, argv, &service.settings, &error) < 0) {
		fprintf(stderr, "emud: %s\n", error.message);
		return EXIT_FAILURE;
	}
	int status = start(&service);
	tear_down(&service);
	return status;
}
