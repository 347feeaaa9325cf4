#pragma once

/* What every handler is handed: the service as a whole. Borrowed parts live until the last request is
 * over. */

#include "core/base/log.h"
#include "core/loop/loop.h"
#include "server/api/auth.h"
#include "server/api/file_store.h"
#include "server/api/settings.h"
#include "server/http/http_server.h"
#include "server/shims/fleet.h"

#include <jansson.h>

struct confine_support;
struct events;
struct growth;
struct matcher;
struct runs;
struct samples;
struct static_files;

struct app {
	struct loop *loop;
	struct log *log;
	const struct settings *settings;
	struct store *store;
	struct events *events; /* what has happened */
	struct auth *auth;
	struct file_store *files;
	struct fleet *fleet;
	struct runs *runs;
	struct matcher *matcher; /* of patterns in console output */
	struct growth *growth;   /* of console output and logs, for followers */
	struct samples *samples; /* what boards are doing just now */
	struct static_files *web;
	struct static_files *specification;
	struct http_server *http;
	const struct confine_support *confinement; /* what this kernel allows */
	json_t *emulators; /* {"qemu":{"available","version"}}, as /version tells it */
	int64_t started_at_ms, config_loaded_at_ms;
	json_t *config_warnings; /* of the configuration in force: [text] */
	json_t *config_refusal; /* {"time","detail","errors"} of one that was refused since; NULL: none was */
	/* Reads the configuration again, as actor asks. 0 with *ret_warnings ([text]), or negative with error
	 * and *ret_errors ([text]). */
	int (*reload)(struct app *app, const char *actor, json_t **ret_warnings, json_t **ret_errors,
		      struct error *error);
};
