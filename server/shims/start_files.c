#include "server/shims/start_files.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/handles/spec.h"

#include <string.h>

enum { SPEC_BYTES_MAX = 16 * 1024 * 1024 };

static const char *const resolved_keys[] = {"target",    "emulator",   "gdb",
					    "pre_start", "post_start", "settings"};

static json_t *make_limits(const struct config_limits *limits)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "console_bytes",
			 (json_int_t) limits->console_bytes, "free_bytes", (json_int_t) limits->free_bytes,
			 "kept_starts", (json_int_t) limits->kept_starts, "process_memory_bytes",
			 (json_int_t) limits->process_memory_bytes, "open_files",
			 (json_int_t) limits->open_files, "stop_timeout", limits->stop_timeout,
			 "start_timeout", limits->start_timeout);
}

static int write_json(int dirfd, const char *name, const json_t *json, struct error *error)
{
	cleanup_free char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return file_write_atomic(dirfd, name, text, strlen(text), 0600, error);
}

int start_files_write_spec(int dirfd, const struct start_order *order, struct error *error)
{
	const struct config_server *server = config_server(order->config);
	cleanup_json json_t *args = order->args ? json_incref((json_t *) order->args) : json_array();
	cleanup_json json_t *spec =
	    json_pack("{s:i, s:s, s:I, s:s, s:s, s:O?, s:O, s:b, s:b, s:b, s:s?, s:s?, s:o, s:o}", "format",
		      SPEC_FORMAT, "id", order->id, "start_number", (json_int_t) order->start_number,
		      "boot_id", order->boot_id, "cookie", order->cookie, "file", order->file, "args", args,
		      "paused", order->paused, "debug", order->debug, "raw_channels", order->raw_channels,
		      "working_directory", order->working_directory, "cgroup_base", order->cgroup_base,
		      "limits", make_limits(&server->limits), "read_paths",
		      json_from_text_vector((const char *const *) server->file_roots));
	if (!spec)
		return error_set(error, -ENOMEM, NULL, "no memory");
	json_object_set_new(spec, "write_paths", json_array());
	json_object_set_new(spec, "prestart", json_boolean(order->prestart));
	json_object_set_new(spec, "adopt", json_boolean(order->adopt));
	json_object_set_new(spec, "semihosting", json_boolean(order->semihosting));
	for (size_t i = 0; i < sizeof(resolved_keys) / sizeof(resolved_keys[0]); i++)
		json_object_set(spec, resolved_keys[i], json_object_get(order->resolved, resolved_keys[i]));
	return write_json(dirfd, "spec.json", spec, error);
}

char *start_files_make_config(const struct config *config)
{
	cleanup_json json_t *tree = config_as_pw(config);
	return tree ? json_dumps(tree, JSON_INDENT(1)) : NULL;
}

int start_files_write_config(int dirfd, const char *text, struct error *error)
{
	return file_write_atomic(dirfd, "config.json", text, strlen(text), 0600, error);
}

static json_t *read_spec(int dirfd)
{
	cleanup_free char *text = NULL;
	size_t length;
	if (file_read(dirfd, "spec.json", SPEC_BYTES_MAX, &text, &length, NULL) < 0)
		return NULL;
	return json_parse(text, length, NULL);
}

char *start_files_read_cgroup_base(int dirfd)
{
	cleanup_json json_t *spec = read_spec(dirfd);
	const char *base = json_member_string(spec, "cgroup_base", NULL);
	return base ? strdup(base) : NULL;
}

json_t *start_files_read_resolved(int dirfd, char **ret_cookie)
{
	cleanup_json json_t *spec = read_spec(dirfd);
	if (!json_is_object(spec))
		return NULL;
	json_t *resolved = json_object();
	for (size_t i = 0; resolved && i < sizeof(resolved_keys) / sizeof(resolved_keys[0]); i++)
		json_object_set(resolved, resolved_keys[i], json_object_get(spec, resolved_keys[i]));
	const char *cookie = json_member_string(spec, "cookie", NULL);
	if (ret_cookie)
		*ret_cookie = cookie ? strdup(cookie) : NULL;
	return resolved;
}
