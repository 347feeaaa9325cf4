#include "core/handles/spec.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>

enum { SPEC_BYTES_MAX = 16 * 1024 * 1024 };

static const char exit_name[] = "exit.json";

static uint64_t limit(const json_t *limits, const char *key)
{
	json_int_t value = json_member_integer(limits, key, 0);
	return value > 0 ? (uint64_t) value : 0;
}

static uint64_t milliseconds(const json_t *limits, const char *key, double fallback)
{
	const double max_seconds = 1e9;
	double seconds = json_member_real(limits, key, fallback);
	if (!(seconds > 0))
		return 0;
	return (uint64_t) ((seconds < max_seconds ? seconds : max_seconds) * 1000);
}

static void read_limits(const json_t *json, struct spec_limits *limits)
{
	*limits = (struct spec_limits){
	    .console_bytes = limit(json, "console_bytes"),
	    .free_bytes = limit(json, "free_bytes"),
	    .kept_starts = limit(json, "kept_starts"),
	    .process_memory_bytes = limit(json, "process_memory_bytes"),
	    .open_files = limit(json, "open_files"),
	    .stop_timeout_ms = milliseconds(json, "stop_timeout", 5),
	    .start_timeout_ms = milliseconds(json, "start_timeout", 30),
	};
}

static char **read_vector(const json_t *json, const char *key)
{
	char **vector = json_to_text_vector(json_object_get(json, key));
	return vector ? vector : text_vector_copy(NULL);
}

/* Takes json. */
static int read_fields(json_t *json, struct spec *spec, struct error *error)
{
	*spec = (struct spec){
	    .json = json,
	    .id = json_member_string(json, "id", NULL),
	    .start_number = json_member_integer(json, "start_number", 0),
	    .cookie = json_member_string(json, "cookie", NULL),
	    .target = json_member_string(json, "target", NULL),
	    .emulator = json_member_string(json, "emulator", NULL),
	    .working_directory = json_member_string(json, "working_directory", NULL),
	    .cgroup_base = json_member_string(json, "cgroup_base", NULL),
	    .paused = json_member_boolean(json, "paused", false),
	    .debug = json_member_boolean(json, "debug", false),
	    .raw_channels = json_member_boolean(json, "raw_channels", false),
	    .prestart = json_member_boolean(json, "prestart", false),
	    .adopt = json_member_boolean(json, "adopt", false),
	    .semihosting = json_member_boolean(json, "semihosting", false),
	    .args = read_vector(json, "args"),
	    .gdb = read_vector(json, "gdb"),
	    .read_paths = read_vector(json, "read_paths"),
	    .write_paths = read_vector(json, "write_paths"),
	    .pre_start = json_object_get(json, "pre_start"),
	    .post_start = json_object_get(json, "post_start"),
	    .settings = json_object_get(json, "settings"),
	};
	read_limits(json_object_get(json, "limits"), &spec->limits);
	if (json_member_integer(json, "format", 0) != SPEC_FORMAT)
		return error_set(error, -EPROTONOSUPPORT, NULL, "spec.json is of another format than %d",
				 SPEC_FORMAT);
	if (!spec->id || !spec->cookie || !spec->target || !spec->emulator || !spec->settings)
		return error_set(error, -EINVAL, NULL,
				 "spec.json lacks id, cookie, target, emulator or settings");
	if (!spec->args || !spec->gdb || !spec->read_paths || !spec->write_paths)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return 0;
}

int spec_read(int dirfd, struct spec *ret_spec, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t length;
	int result = file_read(dirfd, "spec.json", SPEC_BYTES_MAX, &text, &length, error);
	if (result < 0)
		return result;
	json_t *json = json_parse(text, length, error);
	if (!json)
		return error_wrap(error, "spec.json");
	struct spec spec;
	result = read_fields(json, &spec, error);
	if (result < 0)
		spec_finish(&spec);
	else
		*ret_spec = spec;
	return result;
}

void spec_finish(struct spec *spec)
{
	text_vector_free(spec->args);
	text_vector_free(spec->gdb);
	text_vector_free(spec->read_paths);
	text_vector_free(spec->write_paths);
	json_decref(spec->json);
	*spec = (struct spec){0};
}

int exit_record_write(int dirfd, const json_t *status, struct error *error)
{
	static const char *const keys[] = {"start_number", "state",    "started_at", "ended_at",
					   "exit",         "channels", "command"};
	cleanup_json json_t *record = json_pack("{s:i}", "format", SPEC_FORMAT);
	for (size_t i = 0; record && i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_set(record, keys[i], json_object_get(status, keys[i]));
	cleanup_free char *text = record ? json_to_text(record) : NULL;
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return file_write_atomic(dirfd, exit_name, text, strlen(text), 0600, error);
}

json_t *exit_record_read(int dirfd, int64_t start_number)
{
	cleanup_free char *text = NULL;
	size_t length;
	if (file_read(dirfd, exit_name, SPEC_BYTES_MAX, &text, &length, NULL) < 0)
		return NULL;
	cleanup_json json_t *record = json_parse(text, length, NULL);
	if (!record || json_member_integer(record, "start_number", -1) != start_number)
		return NULL;
	return TAKE(record);
}
