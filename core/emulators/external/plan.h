#pragma once

/* What a driver answers to `plan` and `started`: the emulator's command and its channels. Nothing of it is
 * believed: names make safe files, sockets lie in the state directory, ports are on this machine. */

#include "core/base/error.h"
#include "core/emulators/launcher.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { EXTERNAL_CHANNELS_MAX = 64 };

/* How the emulator offers a channel to us. */
enum external_via {
	EXTERNAL_VIA_FILES, /* it writes <name>.out and reads <name>.in itself */
	EXTERNAL_VIA_STDIO, /* its stdin and stdout */
	EXTERNAL_VIA_UNIX,  /* it listens on a socket below the state directory */
	EXTERNAL_VIA_TCP,   /* it listens on a port of 127.0.0.1 */
	EXTERNAL_VIA_PTY,   /* it has opened one */
};

struct external_channel {
	enum external_via via;
	char *socket; /* unix: the file's name; NULL: not told yet */
	int port;     /* tcp; 0: not told yet */
	char *path;   /* pty: /dev/pts/N; NULL: not told yet */
};

/* Zero-initialised is empty. */
struct external_plan {
	char **argv;
	char **environment;
	struct channel_plan *channels;
	struct external_channel *offers; /* of the channel of the same index */
	size_t count;
};

void external_plan_finish(struct external_plan *plan);

/* body: the answer to `plan`. declared: the channels that the target's section tells, or NULL; each must be
 * among the driver's, and its type wins. 0, or negative with what is wrong, as the end of a sentence about
 * the driver ("planned ..."); ret_plan is untouched then. */
int external_plan_parse(const json_t *body, const json_t *declared, struct external_plan *ret_plan,
			struct error *error);

/* body: the answer to `started`, with what was not known before. 0, or negative as above, also where
 * something is not known still. */
int external_plan_complete(struct external_plan *plan, const json_t *body, struct error *error);

/* The kind of that name. 0 or -EINVAL. */
int external_kind_find(const char *name, enum channel_kind *ret_kind);
