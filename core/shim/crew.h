#pragma once

/* Every process of one start by name: the emulator and its helpers, each with pid file, log and handle. */

#include "core/base/error.h"
#include "core/channels/console_guard.h"
#include "core/emulators/launcher.h"
#include "core/handles/handles.h"
#include "core/loop/loop.h"
#include "core/process/foreign.h"
#include "core/process/process.h"

struct crew;

struct crew_options {
	struct loop *loop;
	int dirfd;             /* state directory, borrowed */
	const char *directory; /* where the processes run; borrowed */
	const char *const *environment;
	struct handles *handles;     /* borrowed */
	const struct cgroup *cgroup; /* where they are born; borrowed; NULL: none */
	/* A member has ended; its pid file and handle are gone already. */
	void (*on_exit)(const char *name, const struct process_end *end, void *data);
	void *data;
};

struct crew *crew_create(const struct crew_options *options, struct error *error);
/* Kills what still runs. */
void crew_destroy(struct crew *crew);

/* Starts one; what it writes goes to a fresh "<name>.log". Everything is borrowed for the call. */
int crew_start(struct crew *crew, const char *name, const struct launch_command *command,
	       const struct confinement *confinement, pid_t *ret_pid, struct error *error);

/* Takes in one that runs already and is nobody's child here: how it ended is not known then (process_end's
 * neither). It runs on when the crew is destroyed or lets it go. */
int crew_adopt(struct crew *crew, const struct foreign_claim *claim, struct error *error);
/* Forgets those that were taken in; on_exit does not fire for them any more. */
void crew_let_go(struct crew *crew);

/* Who keeps the logs within LOG_BYTES, what was written last staying, as consoles are kept; borrowed; NULL:
 * nobody any more. */
enum { LOG_BYTES = 4 * 1024 * 1024 };
void crew_set_guard(struct crew *crew, struct console_guard *guard);

/* The same processes under other options: in other handles, cgroup and directory for those to come. */
void crew_move(struct crew *crew, const struct crew_options *options);

size_t crew_count(const struct crew *crew);
void crew_signal(struct crew *crew, int signal_number);
