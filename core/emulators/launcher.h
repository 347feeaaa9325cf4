#pragma once

/*
 * What an emulator must know to start: its schema rows, its channels, its command line, and how it is told
 * to have started. One `struct emulator` per built-in emulator in the table of registry.c.
 */

#include "core/base/error.h"
#include "core/config/config.h"
#include "core/loop/loop.h"
#include "core/process/process.h"

#include <jansson.h>
#include <stdbool.h>

enum channel_kind { CHANNEL_CONSOLE, CHANNEL_GDB, CHANNEL_MONITOR, CHANNEL_CONTROL };

/* A channel the launcher wants offered. */
struct channel_plan {
	char *name;
	enum channel_kind kind;
	bool pty;          /* raw endpoint: pty, else tcp */
	char *socket_name; /* tunnels: the emulator's unix socket below the state directory; NULL: its
			    * launcher connects */
	bool refuse_http;
	bool refuse_pages; /* a channel that speaks HTTP: only what no web page can send gets through */
};

/* A process of the instance. All borrowed. */
struct launch_command {
	char *const *argv;
	const char *const
	    *environment;       /* "NAME=value" besides the instance's own, NULL-terminated; NULL: none */
	const int *inherit_fds; /* they keep their numbers; ends with -1; NULL: none */
	int stdin_fd;           /* -1: /dev/null */
	int stdout_fd;          /* -1: its log, as stderr */
	const struct namespaces *namespaces; /* where it runs; NULL: the shim's own */
	const struct enclosure *enclosure;   /* the same of its files, made for the launch's directory */
	const char *directory;               /* where it runs; NULL: in the launch's */
	/* Of this host it may read the system's libraries, itself and the first of these alone, and write the
	 * second alone; each ends with NULL. NULL: it may what all of the instance may. */
	const char *const *narrow_paths;
	const char *const *narrow_write_paths;
};

/* What the shim hands a launcher. Borrowed for the launcher's life. */
struct launch {
	struct loop *loop;
	const char *emulator; /* its name, which is that of its process */
	const char *target;   /* its name */
	/* Starts a process of the launcher's own besides the emulator: confined, logged, told of by
	 * process_ended and ended with the instance, as the emulator is. */
	int (*start_process)(const char *name, const struct launch_command *command, void *data,
			     struct error *error);
	void *data; /* of start_process */
	int state_dirfd;
	const char *state_dir; /* absolute */
	const char *directory; /* where its processes run; absolute */
	bool
	    semihosting; /* the guest is to have it, where its emulator can keep its file calls to files_fd */
	int files_fd;    /* ".files" in the state directory, where semihosting is asked for */
	const json_t *settings;  /* as struct config_emulator.resolve made them */
	const char *const *args; /* the caller's; NULL: none */
	int firmware_fd;         /* -1: none */
	bool paused;
	bool debug;
	bool prestart; /* settle() follows; until then state_dir goes by state_dirfd, which the process
			  inherits */
};

/* An emulator that somebody else has started: its channels, by the names that its handles.json gives them.
 * Borrowed for the launcher's life. */
struct adoption {
	const struct adopted_channel {
		const char *name;
		bool pty;
	} * channels;
	size_t count;
	/* A fresh connection to one of them, the caller's; or a negative errno. Told when it has been closed.
	 */
	int (*connect)(const char *channel, void *data, struct error *error);
	void (*on_closed)(const char *channel, void *data);
	void *data;
};

/* The emulator has gone on in its life; told by the connector while it runs. */
struct emulator_events {
	void (*on_paused)(void *data);  /* the guest stands still */
	void (*on_running)(void *data); /* and goes on */
	/* The control connection has ended: the process ends or has ended. */
	void (*on_lost)(const struct error *error, void *data);
};

struct launcher; /* the emulator's own */

struct launcher_ops {
	/* Mandatory. Reads settings, plans channels. NULL with error set ("invalid_value", ...). */
	struct launcher *(*create)(const struct launch *launch, struct error *error);
	/* Optional. What must be found out before the channels are known; on_planned fires once, perhaps from
	 * within: error NULL when channels() and prepare() may be called, else why the start fails. */
	void (*plan)(struct launcher *launcher, void (*on_planned)(const struct error *error, void *data),
		     void *data);
	/* Mandatory. */
	const struct channel_plan *(*channels)(const struct launcher *launcher, size_t *ret_count);
	/* Optional. The process opens no console before start() is called: it may be executed, and load its
	 * libraries, while the consoles are still being made. */
	bool waits_for_start;
	/* Mandatory. Called once, before the process starts (and, unless it waits for start(), after consoles
	 * (files, FIFOs) exist): makes sockets, and the command, which is the launcher's and valid until
	 * destroy; it closes the descriptors. */
	int (*prepare)(struct launcher *launcher, struct launch_command *ret_command, struct error *error);
	/* Optional. What the process was started for is known: it was made (create, prepare) before that,
	 * with settings of which the configuration's prestart_keys alone were sure, an empty file as
	 * firmware, not paused, without args. channels() and start() follow. Only with waits_for_start. */
	int (*settle)(struct launcher *launcher, const struct launch *launch, struct error *error);
	/* Mandatory. The process runs and the consoles exist: set it up. on_started fires once, never from
	 * within: error NULL when the guest runs (or stands paused, if asked), else why not: its process has
	 * ended or is about to (code "not_running": what it said last counts), or is to be ended. */
	void (*start)(struct launcher *launcher, pid_t pid,
		      void (*on_started)(const struct error *error, void *data),
		      const struct emulator_events *events, void *data);
	/* Optional. What the start waits for, for the error when it lasts too long ("its driver has not
	 * answered ..."); NULL: nothing to tell. Borrowed until the next call. */
	const char *(*waits_for)(const struct launcher *launcher);
	/* Optional. In place of prepare() and start(): takes over an emulator that runs already. channels()
	 * tells of the adopted ones from then on; connections are held for as long as one call takes, so that
	 * whoever started it is not locked out. on_adopted fires once, never from within, unless this fails:
	 * error NULL and whether the guest stands still, or why it cannot be taken over. */
	int (*adopt)(struct launcher *launcher, const struct adoption *adoption,
		     void (*on_adopted)(const struct error *error, bool paused, void *data),
		     const struct emulator_events *events, void *data, struct error *error);
	/* Optional. A process of the instance has ended, the emulator's (by the emulator's name) or one of
	 * start_process; on_lost follows when what it said last has been read. */
	void (*process_ended)(struct launcher *launcher, const char *name, const struct process_end *end);
	/* Optional, for channels whose plan names no socket: a fresh connection to the emulator, the
	 * caller's. */
	int (*connect)(struct launcher *launcher, const char *channel, struct error *error);
	/* Optional. Whoever had such a connection has gone. */
	void (*left)(struct launcher *launcher, const char *channel);
	/* Optional. What the end of the process means, from its status and what the connector heard. */
	const char *(*end_reason)(const struct launcher *launcher, const struct process_end *end);
	/* Mandatory. Takes NULL. Cancels what is under way. */
	void (*destroy)(struct launcher *launcher);
};

struct emulator {
	const char *name; /* also of its process in handles, pid file and log: "qemu" */
	const struct config_emulator *config;
	const struct launcher_ops *launcher;
	const struct connector_ops *connector;
	/* Optional. "not installed" and the like for settings whose executable cannot be run, else NULL.
	 * Static or heap text: caller frees. Looks at the PATH only; starts nothing. */
	char *(*unavailable)(const json_t *settings);
	/* Optional. Which ELF machines the board of these settings takes, comma-separated ("ARM"), or NULL:
	 * unknown. Static storage. */
	const char *(*firmware_machine)(const json_t *settings);
	/* argv that prints the version of the default executable; NULL-terminated. */
	const char *const *version_command;
};
