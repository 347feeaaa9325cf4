#include "core/shim/channels.h"

#include "core/base/text.h"
#include "core/channels/growth.h"

#include <stdlib.h>

struct entry {
	const struct channel_plan *plan;
	struct console *console; /* one of the two */
	struct tunnel *tunnel;
};

struct channels {
	struct growth *growth; /* one notifier for all consoles */
	size_t count;
	struct entry entries[];
};

static const char *kind_name(enum channel_kind kind)
{
	static const char *const names[] = {
	    [CHANNEL_CONSOLE] = "console",
	    [CHANNEL_GDB] = "gdb",
	    [CHANNEL_MONITOR] = "monitor",
	    [CHANNEL_CONTROL] = "control",
	};
	return names[kind];
}

static int open_entry(const struct channels_options *options, struct growth *growth, struct entry *entry,
		      struct error *error)
{
	const struct channel_plan *plan = entry->plan;
	enum console_endpoint endpoint = !options->raw ? CONSOLE_ENDPOINT_NONE
					 : plan->pty   ? CONSOLE_ENDPOINT_PTY
						       : CONSOLE_ENDPOINT_TCP;
	if (plan->kind == CHANNEL_CONSOLE) {
		entry->console =
		    console_create(options->loop, growth, options->dirfd, plan->name, endpoint, error);
		return entry->console ? 0 : error->number;
	}
	const struct tunnel_options tunnel = {
	    .name = plan->name,
	    .endpoint = options->foreign ? CONSOLE_ENDPOINT_NONE : endpoint,
	    .refuse_http = plan->refuse_http,
	    .refuse_pages = plan->refuse_pages,
	    .dirfd = options->dirfd,
	    .socket_name = plan->socket_name,
	    .connect = options->connect,
	    .on_left = options->on_left,
	    .data = options->data,
	};
	entry->tunnel = tunnel_create(options->loop, &tunnel, error);
	return entry->tunnel ? 0 : error->number;
}

static void enter_handle(const struct entry *entry, const struct channels_options *options,
			 struct handles *handles)
{
	const struct channel_plan *plan = entry->plan;
	const char *kind = kind_name(plan->kind);
	if (!options->raw)
		handles_add_bare(handles, plan->name, kind, plan->pty ? "pty" : "tcp");
	else if (entry->tunnel && options->foreign)
		handles_add_foreign(handles, plan->name, kind, json_object_get(options->foreign, plan->name));
	else if (plan->pty)
		handles_add_pty(handles, plan->name, kind,
				entry->console ? console_pty_path(entry->console)
					       : tunnel_pty_path(entry->tunnel));
	else
		handles_add_tcp(handles, plan->name, kind,
				entry->console ? console_port(entry->console) : tunnel_port(entry->tunnel));
}

struct channels *channels_create(const struct channels_options *options, struct handles *handles,
				 struct error *error)
{
	struct channels *channels = calloc(1, sizeof(*channels) + options->count * sizeof(struct entry));
	if (!channels) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	channels->growth = growth_create(options->loop, error);
	if (!channels->growth) {
		free(channels);
		return NULL;
	}
	channels->count = options->count;
	for (size_t i = 0; i < options->count; i++) {
		struct entry *entry = &channels->entries[i];
		entry->plan = &options->plan[i];
		if (open_entry(options, channels->growth, entry, error) < 0) {
			error_wrap(error, "channel %s", entry->plan->name);
			channels_destroy(channels);
			return NULL;
		}
		enter_handle(entry, options, handles);
	}
	return channels;
}

void channels_destroy(struct channels *channels)
{
	if (!channels)
		return;
	for (size_t i = 0; i < channels->count; i++) {
		console_destroy(channels->entries[i].console);
		tunnel_destroy(channels->entries[i].tunnel);
	}
	growth_destroy(channels->growth);
	free(channels);
}

struct console *channels_console(const struct channels *channels, const char *name)
{
	for (size_t i = 0; channels && i < channels->count; i++)
		if (channels->entries[i].console && text_equal(channels->entries[i].plan->name, name))
			return channels->entries[i].console;
	return NULL;
}

struct tunnel *channels_tunnel(const struct channels *channels, const char *name)
{
	for (size_t i = 0; channels && i < channels->count; i++)
		if (channels->entries[i].tunnel && text_equal(channels->entries[i].plan->name, name))
			return channels->entries[i].tunnel;
	return NULL;
}

const struct channel_plan *channels_find_kind(const struct channels *channels, enum channel_kind kind)
{
	for (size_t i = 0; channels && i < channels->count; i++)
		if (channels->entries[i].plan->kind == kind)
			return channels->entries[i].plan;
	return NULL;
}

void channels_each_console(const struct channels *channels,
			   void (*on_console)(struct console *console, void *data), void *data)
{
	for (size_t i = 0; channels && i < channels->count; i++)
		if (channels->entries[i].console)
			on_console(channels->entries[i].console, data);
}
