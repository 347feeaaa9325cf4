#pragma once

/*
 * The configuration: one checked, immutable tree per loaded file, shared by reference count.
 *
 * config_load reads YAML or JSON by content, follows target_files, substitutes $pw_env{...}, checks every
 * key against the schema below and reports all problems at once. This module knows no emulator: each
 * built-in emulator brings its schema rows and its merge function as a struct config_emulator.
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum config_type {
	CONFIG_STRING,
	CONFIG_STRING_LIST,
	CONFIG_BOOLEAN,
	CONFIG_INTEGER,      /* not negative */
	CONFIG_REAL,         /* seconds and the like, not negative */
	CONFIG_CHANNEL_TYPE, /* "tcp" or "pty" */
	CONFIG_MAP,
};

/* One allowed key. path is relative to the section, "*" stands for any name: "channels.chardevs.*.id". */
struct config_key {
	const char *path;
	enum config_type type;
	bool required;
};

/* What an emulator tells the configuration. Static storage; arrays end with a NULL path. */
struct config_emulator {
	const char *name;                       /* the section's name: "qemu" */
	const struct config_key *emulator_keys; /* below pw.pw_emu.<name> */
	const struct config_key *target_keys;   /* below pw.pw_emu.targets.<t>.<name> */
	/* Optional. Settings that a process depends on which stands ready before its target is known (ends
	 * with NULL); the setting "prestart" tells how many do. NULL: none can. */
	const char *const *prestart_keys;
	/* Merges the two sections (either may be NULL) into the settings that its launcher reads from
	 * spec.json. New reference; NULL with error set when a needed key stands at neither level or a value
	 * makes no sense; its message may begin with the key below the target's section: "channels.x.id:
	 * ...". */
	json_t *(*resolve)(const json_t *emulator_section, const json_t *target_section, struct error *error);
	/* The channels of resolved settings: {"serial0":{"kind":"console","type":"tcp","tied_to":"serial0"},
	 * "gdb":{"kind":"gdb",...},...}. New reference; NULL: only a start can tell. */
	json_t *(*describe_channels)(const json_t *settings);
	/* Of the one row that stands for every emulator which the configuration itself declares, with a
	 * `driver` below pw.pw_emu.emulators.<name>; NULL elsewhere. Such a row bears no section's name and
	 * has no keys: those sections hold what their driver knows. It is asked instead of resolve. */
	const struct config_key *declaration_keys; /* below pw.pw_emu.emulators.<name> */
	json_t *(*resolve_declared)(const json_t *declaration, const json_t *emulator_section,
				    const json_t *target_section, struct error *error);
};

/* One finding. file and key are never NULL ("" where there is none); line 0: unknown. */
struct config_problem {
	char *file;
	int line;
	char *key; /* "pw.pw_emu.targets.x.qemu.machine" */
	char *message;
	bool is_warning;
};

struct config_report {
	struct config_problem *problems;
	size_t count;
};

void config_report_finish(struct config_report *report);
/* "file:line: key.path: message", caller frees. */
char *config_problem_format(const struct config_problem *problem);
size_t config_report_error_count(const struct config_report *report);

/* The service's own settings: the file's `server:` map. Strings and lists NULL where not given (a list given
 * empty is empty, not NULL), paths absolute. */
struct config_server {
	char *listen; /* "HOST:PORT" */
	char *state_dir;
	char *token_file;
	char **file_roots; /* where `file` paths may lie; NULL-terminated or NULL */
	char **path_roots; /* where state directories may lie */
	char **hosts;
	char **origins;
	char *log_level;  /* "debug", "info", "warning" or "error" */
	char *log_format; /* "key_value" or "json" */
	bool raw_channels_given;
	bool raw_channels;
	bool stop_instances_on_exit;
	struct config_limits {
		uint64_t running_instances;    /* default 256 */
		uint64_t instances;            /* default 10000 */
		uint64_t console_bytes;        /* kept window of one console, default 64 MiB */
		uint64_t free_bytes;           /* below: boards are paused, default 64 MiB */
		uint64_t kept_starts;          /* earlier starts whose output is kept, default 3 */
		uint64_t kept_events;          /* default 100000 */
		uint64_t kept_runs;            /* ended runs that are kept, default 1000 */
		double kept_runs_age;          /* seconds since their end, default 30 days */
		uint64_t kept_runs_bytes;      /* their output on disk altogether, default 4 GiB */
		uint64_t body_bytes;           /* largest JSON body, default 1 MiB */
		uint64_t file_bytes;           /* largest uploaded file, default 256 MiB */
		uint64_t input_bytes;          /* largest console input body, default 1 MiB */
		uint64_t process_memory_bytes; /* RLIMIT_AS of an emulator; 0: none (default) */
		uint64_t open_files;           /* RLIMIT_NOFILE of an emulator; 0: inherited */
		double stop_timeout;           /* seconds from SIGTERM to SIGKILL, default 5 */
		double start_timeout;          /* seconds, default 30 */
		double kept_events_age;        /* seconds, default 30 days */
	} limits;
};

struct config;

/* Loads path. emulators: NULL-terminated. On success a configuration (one reference) and perhaps warnings;
 * on failure NULL and every error of the file in the report. */
struct config *config_load(const char *path, const struct config_emulator *const *emulators,
			   struct config_report *report);
struct config *config_ref(struct config *config);
void config_unref(struct config *config);

const struct config_server *config_server(const struct config *config);
const char *config_path(const struct config *config);      /* absolute path of the main file */
const char *config_directory(const struct config *config); /* its directory: where helpers run */

/* Target names, sorted; NULL-terminated, borrowed. */
const char *const *config_target_names(const struct config *config);
bool config_has_target(const struct config *config, const char *target);
const char *config_target_source(const struct config *config, const char *target); /* file */
/* The emulators a target names, in the order of its file; NULL-terminated, borrowed. [0] is the default. */
const char *const *config_target_emulators(const struct config *config, const char *target);

/*
 * What a launcher needs of one target on one emulator (NULL: the default one), as goes into spec.json:
 * {"target","emulator","gdb":[...],"pre_start":[{"name","command":[...]}],"post_start":[...],
 *  "settings":{...}}. New reference. Error codes: "unknown_target", "unknown_emulator",
 * "emulator_unavailable" (known, but not built in), or what the emulator's resolve says.
 */
json_t *config_resolve(const struct config *config, const char *target, const char *emulator,
		       struct error *error);
/*
 * The processes that are to stand ready: [{"count","resolved"}], where resolved is that of one of the targets
 * they serve. New reference; NULL: no memory.
 */
json_t *config_prestarts(const struct config *config);
/* Whether what stands ready for one resolved target serves another. */
bool config_prestart_serves(const struct config *config, const json_t *ready, const json_t *resolved);

/* The channels of that target as describe_channels tells them. New reference or NULL. */
json_t *config_describe_channels(const struct config *config, const char *target, const char *emulator);

/* The emulators that the configuration declares with a driver: {"mine":{"driver":[...],...}}. Borrowed; a map
 * or NULL. Those without one (Python classes of `pw emu`) and those that are built in are not among them. */
const json_t *config_declared_emulators(const struct config *config);

/* Everything as `pw emu` would read it from one pure-JSON file: {"pw":{"pw_emu":{...}}}, target files
 * folded in. New reference. */
json_t *config_as_pw(const struct config *config);
