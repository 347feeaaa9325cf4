#include "server/api/routes.h"

#include "server/api/handlers.h"
#include "server/api/run_body.h"

#define QUERY(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

enum { OPEN = ROUTE_OPEN, PAGE = ROUTE_OPEN | ROUTE_UNVERSIONED };

#define ROUTE(verb, path, function, operation, ...) \
	{ \
		.method = verb, .pattern = path, .handler = function, .operation_id = operation, __VA_ARGS__ \
	}
#define GET(...) ROUTE("GET", __VA_ARGS__)
#define POST(...) ROUTE("POST", __VA_ARGS__)
#define PUT(...) ROUTE("PUT", __VA_ARGS__)
#define DELETE(...) ROUTE("DELETE", __VA_ARGS__)

const struct route api_routes[] = {
    GET("/", get_dashboard, "getDashboard", .flags = PAGE),
    GET("/ui/{path*}", get_asset, "getAsset", .flags = PAGE),
    GET("/openapi.yaml", get_specification_yaml, "getSpecificationYaml", .flags = OPEN),
    GET("/openapi.json", get_specification_json, "getSpecificationJson", .flags = OPEN),
    GET("/docs", get_docs, "getDocs", .flags = OPEN),
    GET("/healthz", get_health, "getHealth", .flags = OPEN),
    GET("/readyz", get_readiness, "getReadiness", .flags = OPEN),
    GET("/version", get_version, "getVersion"),
    GET("/service", get_service, "getService"),
    GET("/metrics", get_metrics, "getMetrics"),
    GET("/events", list_events, "listEvents",
	.query = QUERY("type", "instance", "run", "since", "samples", "order", "limit", "cursor")),
    POST("/config/reload", reload_configuration, "reloadConfiguration"),
    POST("/session", create_session, "createSession", .flags = OPEN, .body = BODY_JSON_OPTIONAL),
    DELETE("/session", delete_session, "deleteSession"),

    GET("/targets", list_targets, "listTargets", .query = QUERY("limit", "cursor")),
    GET("/targets/{name}", get_target, "getTarget"),

    GET("/instances", list_instances, "listInstances",
	.query = QUERY("state", "target", "label", "limit", "cursor")),
    POST("/instances", create_instance, "createInstance", .query = QUERY("wait", "timeout"),
	 .body = BODY_STREAM, .max_body_bytes = UINT64_MAX),
    GET("/instances/{id}", get_instance, "getInstance"),
    PUT("/instances/{id}", put_instance, "putInstance", .query = QUERY("wait", "timeout"),
	.body = BODY_STREAM, .max_body_bytes = UINT64_MAX),
    DELETE("/instances/{id}", delete_instance, "deleteInstance", .query = QUERY("wait", "timeout")),
    POST("/instances/{id}/start", start_instance, "startInstance", .query = QUERY("wait", "timeout"),
	 .body = BODY_JSON_OPTIONAL),
    POST("/instances/{id}/stop", stop_instance, "stopInstance", .query = QUERY("wait", "timeout")),
    POST("/instances/{id}/restart", restart_instance, "restartInstance", .query = QUERY("wait", "timeout"),
	 .body = BODY_JSON_OPTIONAL),
    POST("/instances/{id}/reset", reset_instance, "resetInstance", .query = QUERY("wait", "timeout")),
    POST("/instances/{id}/pause", pause_instance, "pauseInstance", .query = QUERY("wait", "timeout")),
    POST("/instances/{id}/resume", resume_instance, "resumeInstance", .query = QUERY("wait", "timeout")),
    GET("/instances/{id}/wait", wait_for_instance, "waitForInstance",
	.query = QUERY("for", "start_number", "timeout")),
    GET("/instances/{id}/usage", get_instance_usage, "getInstanceUsage", .query = QUERY("samples")),
    GET("/instances/{id}/logs", list_instance_logs, "listInstanceLogs"),
    GET("/instances/{id}/logs/{process}", get_instance_log, "getInstanceLog", .query = QUERY("follow")),

    GET("/instances/{id}/channels", list_channels, "listChannels"),
    GET("/instances/{id}/channels/{name}", get_channel, "getChannel"),
    GET("/instances/{id}/channels/{name}/output", get_channel_output, "getChannelOutput",
	.query = QUERY("offset", "limit", "follow", "start_number")),
    POST("/instances/{id}/channels/{name}/input", write_channel_input, "writeChannelInput",
	 .query = QUERY("timeout"), .body = BODY_BYTES),
    POST("/instances/{id}/channels/{name}/expect", expect_channel, "expectChannel", .body = BODY_JSON),
    GET("/instances/{id}/channels/{name}/stream", stream_channel, "streamChannel",
	.query = QUERY("offset", "start_number")),

    GET("/instances/{id}/properties", list_properties, "listProperties", .query = QUERY("path", "timeout")),
    GET("/instances/{id}/property", get_property, "getProperty", .query = QUERY("path", "name", "timeout")),
    PUT("/instances/{id}/property", set_property, "setProperty", .query = QUERY("path", "name", "timeout"),
	.body = BODY_JSON),
    POST("/instances/{id}/gdb", run_gdb, "runGdb", .body = BODY_JSON),
    POST("/instances/{id}/load", load_image, "loadImage", .query = QUERY("timeout"), .body = BODY_JSON),

    GET("/files", list_files, "listFiles", .query = QUERY("limit", "cursor")),
    POST("/files", upload_file, "uploadFile", .query = QUERY("name"), .body = BODY_STREAM,
	 .max_body_bytes = UINT64_MAX),
    GET("/files/{sha256}", get_file, "getFile"),
    DELETE("/files/{sha256}", delete_file, "deleteFile"),
    GET("/files/{sha256}/content", get_file_content, "getFileContent"),

    GET("/runs", list_runs, "listRuns",
	.query = QUERY("state", "verdict", "target", "label", "limit", "cursor")),
    POST("/runs", create_run, "createRun", .query = QUERY(RUN_QUERY), .body = BODY_STREAM,
	 .max_body_bytes = UINT64_MAX),
    PUT("/runs", create_run, "putRun", .query = QUERY(RUN_QUERY), .body = BODY_STREAM,
	.max_body_bytes = UINT64_MAX),
    GET("/runs/{id}", get_run, "getRun"),
    DELETE("/runs/{id}", cancel_run, "cancelRun"),
    GET("/runs/{id}/output", get_run_output, "getRunOutput", .query = QUERY("offset", "limit", "follow")),
    GET("/runs/{id}/junit", get_run_junit, "getRunJunit"),
    POST("/runs/{id}/rerun", rerun_run, "rerunRun", .query = QUERY("detach", "strict", "stream")),
    {.pattern = NULL},
};
