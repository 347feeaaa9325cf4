#include "core/handles/handles.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"

#include <string.h>

static const char file_name[] = "handles.json";

struct handles {
	char *emulator, *target, *config;
	json_t *gdb_command, *channels, *processes;
};

struct handles *handles_create(const char *emulator, const char *target, const char *config,
			       const char *const *gdb_command)
{
	struct handles *handles = calloc(1, sizeof(*handles));
	if (!handles)
		return NULL;
	*handles = (struct handles){
	    .emulator = strdup(emulator),
	    .target = strdup(target),
	    .config = strdup(config),
	    .gdb_command = json_from_text_vector(gdb_command),
	    .channels = json_object(),
	    .processes = json_object(),
	};
	if (handles->emulator && handles->target && handles->config && handles->gdb_command &&
	    handles->channels && handles->processes)
		return handles;
	handles_destroy(handles);
	return NULL;
}

void handles_destroy(struct handles *handles)
{
	if (!handles)
		return;
	free(handles->emulator);
	free(handles->target);
	free(handles->config);
	json_decref(handles->gdb_command);
	json_decref(handles->channels);
	json_decref(handles->processes);
	free(handles);
}

void handles_add_tcp(struct handles *handles, const char *name, const char *kind, uint16_t port)
{
	json_object_set_new(handles->channels, name,
			    json_pack("{s:s, s:s, s:i, s:s}", "type", "tcp", "host", "127.0.0.1", "port",
				      (int) port, "kind", kind));
}

void handles_add_pty(struct handles *handles, const char *name, const char *kind, const char *path)
{
	json_object_set_new(handles->channels, name,
			    json_pack("{s:s, s:s, s:s}", "type", "pty", "path", path, "kind", kind));
}

void handles_add_bare(struct handles *handles, const char *name, const char *kind, const char *type)
{
	json_object_set_new(handles->channels, name, json_pack("{s:s, s:s}", "type", type, "kind", kind));
}

void handles_add_foreign(struct handles *handles, const char *name, const char *kind, const json_t *endpoint)
{
	static const char *const keys[] = {"type", "host", "port", "path"};
	json_t *channel = json_pack("{s:s}", "kind", kind);
	for (size_t i = 0; channel && i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_set(channel, keys[i], json_object_get(endpoint, keys[i]));
	json_object_set_new(handles->channels, name, channel);
}

void handles_add_process(struct handles *handles, const char *name, pid_t pid)
{
	json_object_set_new(handles->processes, name, json_pack("{s:i}", "pid", (int) pid));
}

void handles_remove_process(struct handles *handles, const char *name)
{
	json_object_del(handles->processes, name);
}

const json_t *handles_channels(const struct handles *handles)
{
	return handles->channels;
}

const json_t *handles_processes(const struct handles *handles)
{
	return handles->processes;
}

void handles_make_bare(struct handles *handles)
{
	const char *name;
	json_t *channel;
	json_object_foreach (handles->channels, name, channel) {
		json_object_del(channel, "host");
		json_object_del(channel, "port");
		json_object_del(channel, "path");
	}
	json_object_clear(handles->processes);
}

/* Channels as pw_emu knows them: with an endpoint, without our kind. */
static json_t *channels_for_pw(const struct handles *handles)
{
	json_t *channels = json_object();
	const char *name;
	json_t *channel;
	json_object_foreach (handles->channels, name, channel) {
		if (!json_object_get(channel, "port") && !json_object_get(channel, "path"))
			continue;
		json_t *copy = json_copy(channel);
		json_object_del(copy, "kind");
		json_object_set_new(channels, name, copy);
	}
	return channels;
}

int handles_save(const struct handles *handles, int dirfd, struct error *error)
{
	cleanup_json json_t *json =
	    json_pack("{s:s, s:s, s:s, s:O, s:o, s:O}", "emu", handles->emulator, "config", handles->config,
		      "target", handles->target, "gdb_cmd", handles->gdb_command, "channels",
		      channels_for_pw(handles), "procs", handles->processes);
	cleanup_free char *text = json ? json_to_text(json) : NULL;
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return file_write_atomic(dirfd, file_name, text, strlen(text), 0600, error);
}

void handles_remove(int dirfd)
{
	unlinkat(dirfd, file_name, 0);
}
