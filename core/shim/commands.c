#include "core/shim/commands.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/shim/adoption.h"
#include "core/shim/channels.h"
#include "core/shim/debug.h"

#include <string.h>
#include <unistd.h>

static void reply_status(struct call *call)
{
	cleanup_json json_t *status = instance_status(call_instance(call));
	call_reply(call, status);
}

static void on_action_done(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	struct call *call = data;
	if (error)
		call_fail(call, error, NULL);
	else
		reply_status(call);
}

static void on_query_done(const struct error *error, const json_t *result, void *data)
{
	struct call *call = data;
	if (error)
		call_fail(call, error, result);
	else
		call_reply(call, result);
}

/* The launcher of a live instance; NULL: the call has been answered. */
static struct launcher *require_launcher(struct call *call, const struct connector_ops **ret_connector)
{
	struct error error;
	struct launcher *launcher = instance_launcher(call_instance(call), ret_connector, &error);
	if (!launcher)
		call_fail(call, &error, NULL);
	return launcher;
}

static void on_looked(const struct error *error, const json_t *result, void *data)
{
	(void) error; /* what was known last is told then */
	(void) result;
	reply_status(data);
}

static void run_status(struct call *call)
{
	struct instance *instance = call_instance(call);
	const struct connector_ops *connector;
	struct error error;
	struct launcher *launcher =
	    instance_spec(instance)->adopt ? instance_launcher(instance, &connector, &error) : NULL;
	if (launcher && connector->look)
		connector->look(launcher, call_timeout_ms(call), on_looked, call);
	else
		reply_status(call);
}

/* Answered at once: what comes of it is told by events. */
static void run_stop(struct call *call)
{
	instance_stop(call_instance(call));
	reply_status(call);
}

static void drain_console(struct console *console, void *data)
{
	(void) data;
	console_drain_input(console);
}

static void run_reset(struct call *call)
{
	const struct connector_ops *connector;
	struct launcher *launcher = require_launcher(call, &connector);
	if (!launcher)
		return;
	channels_each_console(instance_channels(call_instance(call)), drain_console, NULL);
	adoption_drop_input(call_instance(call));
	connector->reset(launcher, call_timeout_ms(call), on_action_done, call);
}

/* The state of an adopted one may be another by now: `pw emu` is there too. It is always asked, as is one
 * that others drive. */
static bool is_known(const struct instance *instance, const struct connector_ops *connector)
{
	return !instance_spec(instance)->adopt && !connector->others_drive;
}

static void run_pause(struct call *call)
{
	const struct connector_ops *connector;
	struct instance *instance = call_instance(call);
	struct launcher *launcher = require_launcher(call, &connector);
	if (!launcher)
		return;
	if (instance_is_paused(instance) && is_known(instance, connector))
		reply_status(call);
	else
		connector->pause(launcher, call_timeout_ms(call), on_action_done, call);
}

static void run_resume(struct call *call)
{
	const struct connector_ops *connector;
	struct instance *instance = call_instance(call);
	struct launcher *launcher = require_launcher(call, &connector);
	if (!launcher)
		return;
	struct error error;
	if (!instance_is_paused(instance) && is_known(instance, connector)) {
		reply_status(call);
	} else if (instance_is_disk_full(instance)) {
		error_set(&error, -ENOSPC, "disk_full",
			  "the disk under the state directory is full: free some space, the board then goes "
			  "on by itself");
		call_fail(call, &error, NULL);
	} else {
		connector->resume(launcher, call_timeout_ms(call), on_action_done, call);
	}
}

static void run_property_list(struct call *call)
{
	const struct connector_ops *connector;
	struct launcher *launcher = require_launcher(call, &connector);
	if (launcher)
		connector->property_list(launcher, json_member_string(call_arguments(call), "path", ""),
					 call_timeout_ms(call), on_query_done, call);
}

static void run_property_get(struct call *call)
{
	const struct connector_ops *connector;
	const json_t *arguments = call_arguments(call);
	struct launcher *launcher = require_launcher(call, &connector);
	if (launcher)
		connector->property_get(launcher, json_member_string(arguments, "path", ""),
					json_member_string(arguments, "name", ""), call_timeout_ms(call),
					on_query_done, call);
}

static void run_property_set(struct call *call)
{
	const struct connector_ops *connector;
	const json_t *arguments = call_arguments(call);
	const json_t *value = json_object_get(arguments, "value");
	struct error error;
	if (!value) {
		error_set(&error, -EINVAL, "bad_request", "property-set needs a value");
		call_fail(call, &error, NULL);
		return;
	}
	struct launcher *launcher = require_launcher(call, &connector);
	if (launcher)
		connector->property_set(launcher, json_member_string(arguments, "path", ""),
					json_member_string(arguments, "name", ""), value,
					call_timeout_ms(call), on_query_done, call);
}

/* ---- channels ---- */

static void on_input_done(size_t written, int number, void *data)
{
	struct call *call = data;
	cleanup_json json_t *result = json_pack("{s:I}", "written", (json_int_t) written);
	struct error error;
	if (!number) {
		call_reply(call, result);
		return;
	}
	error_set(&error, number, number == -ETIMEDOUT ? "timeout" : "not_running",
		  number == -ETIMEDOUT ? "the guest does not read its input: %zu bytes were written"
				       : "the console was reset or closed: %zu bytes were written",
		  written);
	call_fail(call, &error, result);
}

/* A numbered step of a run's input that an emud has sent before it died, and that the next one, which cannot
 * know that, sends again. */
static bool was_taken(struct call *call, int64_t step)
{
	return step >= 0 && step < instance_input_step(call_instance(call));
}

static void run_input(struct call *call)
{
	const json_t *arguments = call_arguments(call);
	int64_t step = json_member_integer(arguments, "step", -1);
	const char *channel = json_member_string(arguments, "channel", "");
	const char *encoded = json_member_string(arguments, "base64", "");
	cleanup_free void *bytes = NULL;
	size_t length = 0;
	struct error error;
	const struct connector_ops *connector;
	if (!require_launcher(call, &connector))
		return;
	if (was_taken(call, step)) {
		on_input_done(0, 0, call);
		return;
	}
	struct instance *instance = call_instance(call);
	struct console *console = channels_console(instance_channels(instance), channel);
	int result = console ? base64_decode(encoded, strlen(encoded), &bytes, &length) : -ENOENT;
	if (result == -ENOENT)
		error_set(&error, result, "channel_not_found", "%s is not a console of this instance",
			  channel);
	else if (result < 0)
		error_set(&error, result, "bad_request", "input is not base64");
	else
		result =
		    console_write(console, bytes, length, call_timeout_ms(call), on_input_done, call, &error);
	if (result < 0)
		call_fail(call, &error, NULL);
	else if (step >= 0)
		instance_set_input_step(instance, step + 1);
}

static void run_attach(struct call *call)
{
	struct instance *instance = call_instance(call);
	const char *channel = json_member_string(call_arguments(call), "channel", "");
	struct error error;
	const struct connector_ops *connector;
	if (!require_launcher(call, &connector))
		return;
	struct tunnel *tunnel = channels_tunnel(instance_channels(instance), channel);
	if (!tunnel)
		error_set(&error, -ENOENT, "channel_not_found", "%s is not a tunnel of this instance",
			  channel);
	if (!tunnel || tunnel_claim(tunnel, &error) < 0) {
		call_fail(call, &error, NULL);
		return;
	}
	int fd = call_take_connection(call);
	if (fd >= 0 && tunnel_attach(tunnel, fd, NULL, 0, &error) == 0)
		return;
	tunnel_release(tunnel);
	if (fd >= 0)
		close(fd);
}

static void run_gdb(struct call *call)
{
	debug_run(call_instance(call), call_arguments(call), call_timeout_ms(call), on_query_done, call);
}

static void run_load(struct call *call)
{
	debug_load(call_instance(call), call_arguments(call), call_timeout_ms(call), on_action_done, call);
}

static const struct {
	const char *name;
	void (*run)(struct call *call);
} commands[] = {
    {"status", run_status},
    {"stop", run_stop},
    {"reset", run_reset},
    {"pause", run_pause},
    {"resume", run_resume},
    {"property-list", run_property_list},
    {"property-get", run_property_get},
    {"property-set", run_property_set},
    {"input", run_input},
    {"attach", run_attach},
    {"gdb", run_gdb},
    {"load", run_load},
};

void command_run(const char *name, struct call *call)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!text_equal(name, commands[i].name))
			continue;
		commands[i].run(call);
		return;
	}
	struct error error;
	error_set(&error, -EOPNOTSUPP, "bad_request", "%s is not a command of this shim", name);
	call_fail(call, &error, NULL);
}
