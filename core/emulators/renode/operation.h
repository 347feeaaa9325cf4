#pragma once

/* The connector's calls in a row: a setting up takes several commands, and none may come between. */

#include "core/emulators/renode/session.h"

/* One connector call. They follow each other: a setting up takes several commands, and none may come between.
 */
struct operation {
	TAILQ_ENTRY(operation) link;
	struct session *session;
	void (*begin)(struct operation *operation);
	/* Mandatory where begin() sets the machine up: the time is over, and that was cancelled. */
	renode_machine_done *on_expired;
	bool has_begun;
	struct loop_timer *deadline;
	int64_t deadline_ms;
	uint64_t timeout_ms;
	char *path, *name; /* of a property call */
	json_t *value;     /* to be set */
	/* An image to be loaded. */
	bool loads;
	int source_fd, copy_fd; /* -1: none; owned */
	struct loop_deferred *copying;
	char *earlier_image;     /* NULL: none */
	struct error failure;    /* why it will not do */
	bool paused;             /* what is asked for */
	connector_done *on_done; /* NULL: nobody asked */
	void *data;
};

/* Takes what template holds: a begin(), timeout_ms, on_done, data, and what begin() needs. begin() is called
 * when those before it are over, never from within. */
void renode_operation_start(struct session *session, struct operation template);
/* Completes it, which frees it. */
void renode_operation_finish(struct operation *operation, const struct error *error, const json_t *result);

/* A command of the monitor's for it; on_answer's data is the operation. */
void renode_operation_execute(struct operation *operation, const char *command, robot_done *on_answer);
uint64_t renode_operation_remaining_ms(const struct operation *operation); /* at least 1 */
