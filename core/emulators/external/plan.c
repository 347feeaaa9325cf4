#include "core/emulators/external/plan.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/config/file_names.h"

#include <string.h>

static const char *const kind_names[] = {
    [CHANNEL_CONSOLE] = "console",
    [CHANNEL_GDB] = "gdb",
    [CHANNEL_MONITOR] = "monitor",
    [CHANNEL_CONTROL] = "control",
};

static const char *const via_names[] = {
    [EXTERNAL_VIA_FILES] = "files", [EXTERNAL_VIA_STDIO] = "stdio", [EXTERNAL_VIA_UNIX] = "unix",
    [EXTERNAL_VIA_TCP] = "tcp",     [EXTERNAL_VIA_PTY] = "pty",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(names[i], name))
			return (int) i;
	return -EINVAL;
}

int external_kind_find(const char *name, enum channel_kind *ret_kind)
{
	int found = find_name(kind_names, COUNT(kind_names), name);
	if (found < 0)
		return found;
	*ret_kind = (enum channel_kind) found;
	return 0;
}

void external_plan_finish(struct external_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->channels[i].name);
		free(plan->offers[i].socket);
		free(plan->offers[i].path);
	}
	free(plan->channels);
	free(plan->offers);
	text_vector_free(plan->argv);
	text_vector_free(plan->environment);
	*plan = (struct external_plan){0};
}

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, NULL, "could not be understood: no memory");
}

static int refuse_channel(struct error *error, const char *name, const char *what)
{
	return error_set(error, -EPROTO, NULL, "offers the channel \"%.60s\", %s", name, what);
}

/* ---- the command ---- */

static int read_command(const json_t *body, struct external_plan *plan, struct error *error)
{
	const json_t *command = json_object_get(body, "command");
	const char *program = json_string_value(json_array_get(command, 0));
	plan->argv = json_to_text_vector(command);
	if (!plan->argv || !program || !*program)
		return error_set(error, -EPROTO, NULL,
				 "planned no \"command\" that is a list of strings and names a program");
	return 0;
}

static int read_environment(const json_t *body, struct external_plan *plan, struct error *error)
{
	json_t *environment = json_object_get(body, "environment"), *value;
	const char *name;
	if (environment && !json_is_object(environment))
		return error_set(error, -EPROTO, NULL, "planned an \"environment\" that is no map");
	plan->environment = text_vector_copy(NULL);
	json_object_foreach (environment, name, value) {
		const char *text = json_string_value(value);
		if (!text || !*name || strchr(name, '=') || text_starts_with(name, "EMUD_"))
			return error_set(
			    error, -EPROTO, NULL,
			    "planned the environment variable \"%.60s\", which is not a name and a "
			    "string, or emud's own",
			    name);
		cleanup_free char *entry = text_format("%s=%s", name, text);
		if (!entry || text_vector_append(&plan->environment, entry) < 0)
			return no_memory(error);
	}
	return plan->environment ? 0 : no_memory(error);
}

/* ---- where a channel is found ---- */

/* A file of the state directory that is none of emud's own. */
static bool is_socket_name(const char *name)
{
	static const char suffix[] = ".sock";
	size_t length = strlen(name);
	if (length < sizeof(suffix) || !text_equal(name + length - strlen(suffix), suffix) ||
	    text_equal(name, "control.sock"))
		return false;
	cleanup_free char *stem = strndup(name, length - strlen(suffix));
	return stem && text_is_id(stem);
}

static bool is_pty_path(const char *path)
{
	static const char folder[] = "/dev/pts/";
	uint64_t number;
	return text_starts_with(path, folder) && text_to_uint64(path + strlen(folder), &number) == 0;
}

static int read_socket(const char *name, const json_t *socket, struct external_channel *offer,
		       struct error *error)
{
	const char *text = json_string_value(socket);
	if (!text || !is_socket_name(text))
		return refuse_channel(
		    error, name,
		    "whose \"socket\" is not the name of a file NAME.sock in the state directory");
	free(offer->socket);
	offer->socket = strdup(text);
	return offer->socket ? 0 : no_memory(error);
}

static int read_port(const char *name, const json_t *port, struct external_channel *offer,
		     struct error *error)
{
	json_int_t number = json_integer_value(port);
	if (number < 1 || number > UINT16_MAX)
		return refuse_channel(error, name, "whose \"port\" is not a number from 1 to 65535");
	offer->port = (int) number;
	return 0;
}

static int read_path(const char *name, const json_t *path, struct external_channel *offer,
		     struct error *error)
{
	const char *text = json_string_value(path);
	if (!text || !is_pty_path(text))
		return refuse_channel(error, name, "whose \"path\" is not that of a pty, /dev/pts/N");
	free(offer->path);
	offer->path = strdup(text);
	return offer->path ? 0 : no_memory(error);
}

/* What of it is told; all of it may be told later. */
static int read_place(const char *name, const json_t *channel, struct external_channel *offer,
		      struct error *error)
{
	static const struct {
		const char *key;
		enum external_via via;
		int (*read)(const char *name, const json_t *value, struct external_channel *offer,
			    struct error *error);
	} keys[] = {
	    {"socket", EXTERNAL_VIA_UNIX, read_socket},
	    {"port", EXTERNAL_VIA_TCP, read_port},
	    {"path", EXTERNAL_VIA_PTY, read_path},
	};
	for (size_t i = 0; i < COUNT(keys); i++) {
		const json_t *value = json_object_get(channel, keys[i].key);
		int result = value && offer->via == keys[i].via ? keys[i].read(name, value, offer, error) : 0;
		if (result < 0)
			return result;
	}
	return 0;
}

/* ---- a channel ---- */

static int read_kind(const char *name, const json_t *channel, const json_t *declared,
		     enum channel_kind *ret_kind, struct error *error)
{
	const char *declared_kind = json_member_string(declared, "kind", NULL);
	const json_t *kind = json_object_get(channel, "kind");
	const char *kind_name = kind ? json_string_value(kind) : declared_kind ? declared_kind : "console";
	if (external_kind_find(kind_name, ret_kind) < 0)
		return refuse_channel(
		    error, name,
		    "whose \"kind\" is none of \"console\", \"gdb\", \"monitor\" and \"control\"");
	if (declared_kind && !text_equal(declared_kind, kind_name))
		return refuse_channel(error, name, "whose \"kind\" is another than the target declares");
	return 0;
}

static int read_type(const char *name, const json_t *channel, const json_t *declared, bool *ret_pty,
		     struct error *error)
{
	const json_t *type = json_object_get(channel, "type");
	const char *text = type ? json_string_value(type) : "tcp";
	if (!text_equal(text, "tcp") && !text_equal(text, "pty"))
		return refuse_channel(error, name, "whose \"type\" is neither \"tcp\" nor \"pty\"");
	*ret_pty = text_equal(json_member_string(declared, "type", text), "pty");
	return 0;
}

static int read_via(const char *name, const json_t *channel, enum channel_kind kind,
		    enum external_via *ret_via, struct error *error)
{
	int found = find_name(via_names, COUNT(via_names), json_member_string(channel, "via", NULL));
	if (found < 0)
		return refuse_channel(
		    error, name,
		    "whose \"via\" is none of \"files\", \"stdio\", \"unix\", \"tcp\" and \"pty\"");
	if (kind != CHANNEL_CONSOLE && found != EXTERNAL_VIA_UNIX && found != EXTERNAL_VIA_TCP)
		return refuse_channel(error, name,
				      "which is no console, so its \"via\" must be \"unix\" or \"tcp\"");
	*ret_via = (enum external_via) found;
	return 0;
}

static int check_name(const char *name, struct error *error)
{
	const char *complaint = file_names_complain_of_channel(name);
	if (!complaint)
		return 0;
	return error_set(error, -EPROTO, NULL, "offers a channel whose name \"%.60s\" %s", name, complaint);
}

/* The next one of the plan, which has room for it. */
static int read_channel(struct external_plan *plan, const char *name, const json_t *channel,
			const json_t *declared, struct error *error)
{
	struct channel_plan *entry = &plan->channels[plan->count];
	struct external_channel *offer = &plan->offers[plan->count];
	int result = check_name(name, error);
	if (!result && !json_is_object(channel))
		result = refuse_channel(error, name, "which is no map");
	if (!result)
		result = read_kind(name, channel, declared, &entry->kind, error);
	if (!result)
		result = read_type(name, channel, declared, &entry->pty, error);
	if (!result)
		result = read_via(name, channel, entry->kind, &offer->via, error);
	if (result < 0)
		return result;
	plan->count++;
	entry->name = strdup(name);
	entry->refuse_http = entry->kind == CHANNEL_MONITOR || entry->kind == CHANNEL_CONTROL;
	return entry->name ? read_place(name, channel, offer, error) : no_memory(error);
}

static int check_stdio(const struct external_plan *plan, struct error *error)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->offers[i].via == EXTERNAL_VIA_STDIO;
	if (count > 1)
		return error_set(error, -EPROTO, NULL,
				 "offers %zu channels via \"stdio\", of which there is one", count);
	return 0;
}

static int check_declared(const json_t *declared, const json_t *channels, struct error *error)
{
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) declared, name, channel) {
		if (!json_object_get(channels, name))
			return error_set(error, -EPROTO, NULL,
					 "offers no channel \"%.60s\", which the target declares", name);
	}
	return 0;
}

static int read_channels(const json_t *body, const json_t *declared, struct external_plan *plan,
			 struct error *error)
{
	json_t *channels = json_object_get(body, "channels"), *channel;
	const char *name;
	if (channels && !json_is_object(channels))
		return error_set(error, -EPROTO, NULL, "planned \"channels\" that are no map");
	if (json_object_size(channels) > EXTERNAL_CHANNELS_MAX)
		return error_set(error, -EPROTO, NULL, "offers more than %d channels", EXTERNAL_CHANNELS_MAX);
	plan->channels = calloc(json_object_size(channels) + 1, sizeof(*plan->channels));
	plan->offers = calloc(json_object_size(channels) + 1, sizeof(*plan->offers));
	if (!plan->channels || !plan->offers)
		return no_memory(error);
	json_object_foreach (channels, name, channel) {
		int result = read_channel(plan, name, channel, json_object_get(declared, name), error);
		if (result < 0)
			return result;
	}
	int result = check_stdio(plan, error);
	return result ? result : check_declared(declared, channels, error);
}

int external_plan_parse(const json_t *body, const json_t *declared, struct external_plan *ret_plan,
			struct error *error)
{
	struct external_plan plan = {0};
	int result = read_command(body, &plan, error);
	if (!result)
		result = read_environment(body, &plan, error);
	if (!result)
		result = read_channels(body, declared, &plan, error);
	if (result < 0)
		external_plan_finish(&plan);
	else
		*ret_plan = plan;
	return result;
}

/* ---- what is told later ---- */

static bool is_found(const struct external_channel *offer)
{
	switch (offer->via) {
	case EXTERNAL_VIA_UNIX:
		return offer->socket;
	case EXTERNAL_VIA_TCP:
		return offer->port;
	case EXTERNAL_VIA_PTY:
		return offer->path;
	default:
		return true;
	}
}

int external_plan_complete(struct external_plan *plan, const json_t *body, struct error *error)
{
	const json_t *channels = json_object_get(body, "channels");
	if (channels && !json_is_object(channels))
		return error_set(error, -EPROTO, NULL, "told \"channels\" that are no map");
	for (size_t i = 0; i < plan->count; i++) {
		const char *name = plan->channels[i].name;
		const json_t *channel = json_object_get(channels, name);
		int result = channel ? read_place(name, channel, &plan->offers[i], error) : 0;
		if (result < 0)
			return result;
		if (!is_found(&plan->offers[i]))
			return refuse_channel(error, name,
					      "but has not told its \"socket\", \"port\" or \"path\"");
	}
	return 0;
}
