#pragma once

/* spec.json: what one start was asked to do, resolved. Written by emud, read by its shim. */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { SPEC_FORMAT = 1 };

struct spec_limits {
	uint64_t console_bytes;
	uint64_t free_bytes;
	uint64_t kept_starts;
	uint64_t process_memory_bytes; /* 0: none */
	uint64_t open_files;           /* 0: inherited */
	uint64_t stop_timeout_ms;
	uint64_t start_timeout_ms;
};

/* Strings and vectors are borrowed from json and live as long as it. */
struct spec {
	json_t *json; /* owned */
	const char *id;
	int64_t start_number;
	const char *cookie;
	const char *target;
	const char *emulator;
	const char *working_directory;
	const char *cgroup_base; /* where the start's cgroup is made; NULL: it has none */
	bool paused, debug, raw_channels;
	bool prestart; /* the emulator only, which waits for a target: another spec.json follows */
	bool adopt;    /* nothing is started: the emulator of the directory above the state directory is taken
			  over */
	bool semihosting;   /* the guest may have it, with a directory of its own for its files */
	char **args;        /* owned */
	char **gdb;         /* owned */
	char **read_paths;  /* owned */
	char **write_paths; /* owned */
	const json_t *pre_start, *post_start; /* [{"name","command":[...]}] */
	const json_t *settings;
	struct spec_limits limits;
};

/* Reads spec.json below dirfd. A format newer than ours is refused. */
int spec_read(int dirfd, struct spec *ret_spec, struct error *error);
void spec_finish(struct spec *spec);

/* exit.json: {"format","start_number","state","started_at","ended_at","exit":{...}}, whole before it
 * appears. */
int exit_record_write(int dirfd, const json_t *status, struct error *error);
/* New reference: the record if it is of that start, else NULL. */
json_t *exit_record_read(int dirfd, int64_t start_number);
