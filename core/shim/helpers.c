#include "core/shim/helpers.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/config/substitute.h"

#include <string.h>

static char *no_such(const char *kind, const char *name, struct error *error)
{
	error_set(error, -EINVAL, "invalid_value",
		  "$%s{%s} cannot be resolved: the target has no such channel of that type", kind, name);
	return NULL;
}

static char *look_up(const char *kind, const char *name, void *data, struct error *error)
{
	const struct helpers_context *context = data;
	if (text_equal(kind, "pw_emu_wdir"))
		return text_format("%s/%s", context->state_dir, name);
	const struct console *console = channels_console(context->channels, name);
	const struct tunnel *tunnel = channels_tunnel(context->channels, name);
	unsigned port = console ? console_port(console) : tunnel ? tunnel_port(tunnel) : 0;
	const char *path = console ? console_pty_path(console) : tunnel ? tunnel_pty_path(tunnel) : NULL;
	if (text_equal(kind, "pw_emu_channel_port") && port)
		return text_format("%u", port);
	if (text_equal(kind, "pw_emu_channel_host") && port)
		return strdup("127.0.0.1");
	if (text_equal(kind, "pw_emu_channel_path") && path && path[0])
		return strdup(path);
	return no_such(kind, name, error);
}

static char **resolve(const json_t *command, const struct helpers_context *context, struct error *error)
{
	cleanup_text_vector char **argv = text_vector_copy(NULL);
	size_t index;
	json_t *word;
	json_array_foreach (command, index, word) {
		cleanup_free char *text =
		    substitute_text(json_string_value(word), "pw_emu_", look_up, (void *) context, error);
		if (!text)
			return NULL;
		if (!argv || text_vector_append(&argv, text) < 0) {
			error_set(error, -ENOMEM, NULL, "no memory");
			return NULL;
		}
	}
	return TAKE(argv);
}

int helpers_start(struct crew *crew, const json_t *commands, const struct helpers_context *context,
		  struct error *error)
{
	size_t index;
	json_t *helper;
	json_array_foreach ((json_t *) commands, index, helper) {
		const char *name = json_member_string(helper, "name", "");
		cleanup_text_vector char **argv = resolve(json_object_get(helper, "command"), context, error);
		if (!argv)
			return error_wrap(error, "helper %s", name);
		const struct launch_command run = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1};
		pid_t pid;
		int result = crew_start(crew, name, &run, context->confinement, &pid, error);
		if (result < 0)
			return error_wrap(error, "helper");
	}
	return 0;
}
