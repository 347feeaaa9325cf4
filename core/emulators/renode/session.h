#pragma once

/* What launcher.c and connector.c of this folder share about a running Renode. */

#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"
#include "core/emulators/renode/machine.h"
#include "core/emulators/renode/robot_client.h"

#include <stdbool.h>
#include <sys/queue.h>

struct operation;
TAILQ_HEAD(operations, operation);

struct session {
	struct loop *loop;
	struct robot_client *client; /* NULL before prepare() */
	struct renode_machine *machine;
	struct operations operations; /* the first is under way, the others wait for it */
	struct loop_deferred *next;   /* the first is about to begin */
	json_t *listings;             /* path to listing, for as long as the machine stands */
	int state_dirfd;              /* these are borrowed */
	const char *state_dir;
	unsigned image_number; /* of the one that was loaded last while it ran */
	bool paused;           /* as last seen or asked for */
	bool adopted;          /* somebody else has started Renode, with an image we do not know */
	bool ended;            /* the process has */
	const struct emulator_events *events; /* NULL until the start is completed */
	void *data;
};

extern const struct launcher_ops renode_launcher_ops;
extern const struct connector_ops renode_connector_ops;

struct session *renode_launcher_session(struct launcher *launcher);

/* The machine is gone, and Renode is not: sets it up again, as soon as what is under way is over. */
void renode_session_bring_back(struct session *session);

/* Somebody else may have paused or started the machine: asks Renode, and tells what has changed. */
void renode_session_look(struct session *session);

/* Completes all that waits: Renode has ended, or the launcher is being destroyed. */
void renode_session_finish(struct session *session);

/* Renode's temporary folder and its home, below the state directory. */
#define RENODE_FOLDER "renode.tmp"
