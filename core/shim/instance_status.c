#include "core/shim/instance_internal.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_guard.h"
#include "core/shim/channels.h"

#include <string.h>

static const char *const state_names[] = {"starting", "running", "paused", "stopping", "exited", "failed"};

/* {"remote","command"}: where gdb connects, and the words that make it. */
static json_t *describe_gdb(const struct instance *instance)
{
	const struct channel_plan *plan = channels_find_kind(instance->channels, CHANNEL_GDB);
	const json_t *channel =
	    plan ? json_object_get(handles_channels(instance->handles), plan->name) : NULL;
	const char *path = json_member_string(channel, "path", NULL);
	json_int_t port = json_member_integer(channel, "port", 0);
	const char *host = json_member_string(channel, "host", "127.0.0.1");
	bool is_v6 = strchr(host, ':');
	cleanup_free char *remote =
	    port   ? text_format("%s%s%s:%d", is_v6 ? "[" : "", host, is_v6 ? "]" : "", (int) port)
	    : path ? strdup(path)
		   : NULL;
	json_t *command = json_from_text_vector((const char *const *) instance->spec.gdb);
	cleanup_free char *connect = remote ? text_format("target remote %s", remote) : NULL;
	if (connect && json_array_size(command) > 0) {
		json_array_append_new(command, json_string("-ex"));
		json_array_append_new(command, json_string(connect));
	}
	return json_pack("{s:s?, s:o}", "remote", remote, "command", command);
}

static const char *paused_by(const struct instance *instance)
{
	if (instance->state != STATE_PAUSED)
		return NULL;
	return instance->paused_by_disk ? "disk_full" : "user";
}

json_t *instance_status(const struct instance *instance)
{
	return json_pack("{s:I, s:s, s:s?, s:s, s:s?, s:O?, s:O, s:O, s:o, s:O?}", "start_number",
			 (json_int_t) instance->spec.start_number, "state", state_names[instance->state],
			 "paused_by", paused_by(instance), "started_at", instance->started_at, "ended_at",
			 instance->ended_at[0] ? instance->ended_at : NULL, "exit", instance->exit,
			 "channels", handles_channels(instance->handles), "processes",
			 handles_processes(instance->handles), "gdb", describe_gdb(instance), "command",
			 instance->command);
}

bool instance_is_live(const struct instance *instance)
{
	return instance->state == STATE_RUNNING || instance->state == STATE_PAUSED;
}

bool instance_is_paused(const struct instance *instance)
{
	return instance->state == STATE_PAUSED;
}

struct launcher *instance_launcher(struct instance *instance, const struct connector_ops **ret_connector,
				   struct error *error)
{
	if (!instance_is_live(instance)) {
		error_set(error, -ESRCH, instance->state == STATE_STARTING ? "instance_busy" : "not_running",
			  "%s is %s, not running", instance->spec.id, state_names[instance->state]);
		return NULL;
	}
	*ret_connector = instance->emulator->connector;
	return instance->launcher;
}

int64_t instance_input_step(const struct instance *instance)
{
	return instance->input_step;
}

void instance_set_input_step(struct instance *instance, int64_t step)
{
	instance->input_step = step;
}

bool instance_is_disk_full(struct instance *instance)
{
	return instance->guard && console_guard_is_disk_full(instance->guard);
}

struct channels *instance_channels(struct instance *instance)
{
	return instance->channels;
}

void instance_on_closing(struct instance *instance, void (*on_closing)(void *data), void *data)
{
	instance->on_closing = on_closing;
	instance->closing_data = data;
}

const struct spec *instance_spec(const struct instance *instance)
{
	return &instance->spec;
}

const char *instance_state_dir(const struct instance *instance)
{
	return instance->state_dir;
}

int instance_dirfd(const struct instance *instance)
{
	return instance->dirfd;
}

struct loop *instance_loop(const struct instance *instance)
{
	return instance->loop;
}

const char *const *instance_environment(const struct instance *instance)
{
	return (const char *const *) instance->environment;
}

const struct cgroup *instance_cgroup(const struct instance *instance)
{
	return instance->cgroup;
}
