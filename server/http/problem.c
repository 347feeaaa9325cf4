#include "server/http/problem.h"

#include "core/base/text.h"

static const struct problem table[] = {
    {"invalid_request", 400, "Invalid request",
     "The request's fields are of the wrong type, missing or unknown; errors names each."},
    {"invalid_json", 400, "Invalid JSON", "The body is not well-formed JSON in UTF-8."},
    {"invalid_parameter", 400, "Invalid parameter", "A query parameter's value does not fit."},
    {"unknown_parameter", 400, "Unknown parameter",
     "The call does not take a query parameter that was given."},
    {"bad_request", 400, "Bad request", "The request breaks the rules of HTTP."},
    {"unauthorized", 401, "Unauthorized", "A valid token or session is needed."},
    {"forbidden", 403, "Forbidden", "The caller may not do this."},
    {"host_not_allowed", 403, "Host not allowed",
     "The Host header is no address literal, not localhost and not listed in server.hosts."},
    {"origin_not_allowed", 403, "Origin not allowed",
     "The Origin header is neither this server's own nor listed in server.origins."},
    {"path_not_allowed", 403, "Path not allowed", "The path lies outside the configured roots."},
    {"not_found", 404, "Not found", "There is no such resource."},
    {"property_not_found", 404, "Property not found", "The emulator knows no such object or property."},
    {"channel_not_found", 404, "Channel not found", "The instance has no channel of that name."},
    {"method_not_allowed", 405, "Method not allowed", "The resource does not take this method; see Allow."},
    {"not_acceptable", 406, "Not acceptable", "No form of the answer fits the Accept header."},
    {"conflict", 409, "Conflict", "The resource is not in a state that allows this."},
    {"already_running", 409, "Already running", "The instance runs already."},
    {"not_running", 409, "Not running", "The instance does not run; start it first."},
    {"not_adoptable", 409, "Not adoptable",
     "What runs in the directory, if anything does, cannot be adopted; detail says why."},
    {"id_taken", 409, "Id taken", "Another instance with another specification has this id."},
    {"instance_busy", 409, "Instance busy", "Another action on the instance is under way."},
    {"channel_busy", 409, "Channel busy", "Another client holds the channel, which serves one at a time."},
    {"file_in_use", 409, "File in use", "An instance or a kept run uses the file."},
    {"disk_full", 409, "Disk full", "The instance is paused because the disk is full."},
    {"ended", 409, "Ended", "What is waited for can no longer come: the instance has ended."},
    {"gone", 410, "Gone", "The resource is no longer kept."},
    {"length_required", 411, "Length required", "The body needs a Content-Length."},
    {"precondition_failed", 412, "Precondition failed", "The resource has changed since."},
    {"too_large", 413, "Too large", "The body is larger than allowed."},
    {"uri_too_long", 414, "URI too long", "The request's target is longer than allowed."},
    {"unsupported_media_type", 415, "Unsupported media type",
     "The body's Content-Type is not one the call takes."},
    {"range_not_satisfiable", 416, "Range not satisfiable", "The offset lies beyond the end."},
    {"unknown_target", 422, "Unknown target", "No target of that name is configured."},
    {"unknown_emulator", 422, "Unknown emulator", "The target has no such emulator."},
    {"file_not_found", 422, "File not found", "The file named does not exist."},
    {"invalid_file", 422, "Invalid file", "The file is not one that the target can run."},
    {"invalid_value", 422, "Invalid value",
     "Well-formed values that are out of range or make no sense; errors names each."},
    {"invalid_pattern", 422, "Invalid pattern",
     "A regular expression cannot be used; errors tells which, where and why."},
    {"pattern_too_slow", 422, "Pattern too slow",
     "A regular expression takes too long on this output; make it simpler."},
    {"invalid_configuration", 422, "Invalid configuration",
     "The configuration has errors and was refused whole; the old one stays."},
    {"command_refused", 422, "Command refused", "The command is not allowed here."},
    {"upgrade_required", 426, "Upgrade required", "The resource is a WebSocket; ask for an upgrade."},
    {"too_many_instances", 429, "Too many instances", "The limit of instances is reached."},
    {"headers_too_large", 431, "Headers too large", "The request's header fields are larger than allowed."},
    {"internal_error", 500, "Internal error", "A fault of the server's own; its log knows more."},
    {"not_implemented", 501, "Not implemented", "The emulator has no such function."},
    {"emulator_error", 502, "Emulator error", "The emulator answered with an error; detail has its words."},
    {"start_failed", 502, "Start failed", "The emulator refused to start; detail has its words."},
    {"emulator_unavailable", 503, "Emulator unavailable", "The emulator is not installed."},
    {"unavailable", 503, "Unavailable", "The service cannot do this just now; try again."},
    {"no_watches", 503, "No watches left", "The system has no inotify watches or instances left."},
    {"no_descriptors", 503, "No descriptors left", "The service has no file descriptors left."},
    {"emulator_timeout", 504, "Emulator timeout", "The emulator did not answer in time."},
    {"timeout", 504, "Timeout", "What was waited for did not come in time."},
    {"insufficient_storage", 507, "Insufficient storage", "There is not enough space to store this."},
};

const struct problem *problem_table(size_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct problem *problem_find(const char *code)
{
	const struct problem *internal = NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (text_equal(table[i].code, code))
			return &table[i];
		if (text_equal(table[i].code, "internal_error"))
			internal = &table[i];
	}
	return internal;
}
