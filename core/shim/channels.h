#pragma once

/* The channels of one start: made from the launcher's plan, entered in the handles. */

#include "core/base/error.h"
#include "core/channels/console.h"
#include "core/channels/tunnel.h"
#include "core/emulators/launcher.h"
#include "core/handles/handles.h"

struct channels;

struct channels_options {
	struct loop *loop;
	int dirfd;                       /* state directory, borrowed */
	const struct channel_plan *plan; /* outlives the channels */
	size_t count;
	bool raw; /* open tcp and pty endpoints */
	/* Where channels other than consoles are offered already (handles_add_foreign): no endpoint of ours
	 * is opened for any of these. NULL: nowhere. */
	const json_t *foreign;
	/* See struct tunnel_options. */
	int (*connect)(const char *name, void *data, struct error *error);
	void (*on_left)(const char *name, void *data);
	void *data;
};

struct channels *channels_create(const struct channels_options *options, struct handles *handles,
				 struct error *error);
void channels_destroy(struct channels *channels);

struct console *channels_console(const struct channels *channels, const char *name);
struct tunnel *channels_tunnel(const struct channels *channels, const char *name);
const struct channel_plan *channels_find_kind(const struct channels *channels, enum channel_kind kind);

/* Calls back for each console. */
void channels_each_console(const struct channels *channels,
			   void (*on_console)(struct console *console, void *data), void *data);
