#pragma once

/* The channels of one start: made from the launcher's plan, entered in the handles. */

#include "core/base/error.h"
#include "core/channels/console.h"
#include "core/channels/tunnel.h"
#include "core/emulators/launcher.h"
#include "core/handles/handles.h"

struct channels;

/* plan must outlive the channels. raw: open tcp and pty endpoints. */
struct channels *channels_create(struct loop *loop, int dirfd, const struct channel_plan *plan, size_t count,
				 bool raw, struct handles *handles, struct error *error);
void channels_destroy(struct channels *channels);

struct console *channels_console(const struct channels *channels, const char *name);
struct tunnel *channels_tunnel(const struct channels *channels, const char *name);
const struct channel_plan *channels_find_kind(const struct channels *channels, enum channel_kind kind);

/* Calls back for each console. */
void channels_each_console(const struct channels *channels,
			   void (*on_console)(struct console *console, void *data), void *data);
