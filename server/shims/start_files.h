#pragma once

/* What a start finds in its state directory: spec.json and config.json. */

#include "core/base/error.h"
#include "core/config/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct start_order {
	const char *id;
	int64_t start_number;
	const char *boot_id;
	const char *cookie;     /* of its shim */
	const json_t *resolved; /* as config_resolve makes it */
	const json_t *file;     /* or NULL */
	const json_t *args;     /* or NULL */
	bool paused, debug, raw_channels;
	bool prestart; /* for a target that is not known yet: resolved is that of one that will do */
	bool semihosting;
	bool adopt; /* nothing is started: what `pw emu` has started is taken over */
	const struct config *config;
	const char *working_directory; /* NULL: the state directory */
	const char *cgroup_base;       /* NULL: there are no cgroups here */
};

int start_files_write_spec(int dirfd, const struct start_order *order, struct error *error);
/* config.json's text, for start_files_write_config; the caller's. NULL: no memory. */
char *start_files_make_config(const struct config *config);
int start_files_write_config(int dirfd, const char *text, struct error *error);

/* The resolved part of an earlier spec.json, and its cookie (nullable out). New reference or NULL. */
json_t *start_files_read_resolved(int dirfd, char **ret_cookie);
/* Below which the start that spec.json tells of has its cgroup; the caller frees. NULL: it has none. */
char *start_files_read_cgroup_base(int dirfd);
