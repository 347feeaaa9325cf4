#pragma once

/*
 * Renode's robot port in the loop: keywords are run one after the other, a connection each, as Renode serves
 * them, each with a deadline, each completed exactly once.
 */

#include "core/base/error.h"
#include "core/emulators/renode/network.h"
#include "core/loop/loop.h"

struct robot_client;

/* network is borrowed and outlives the client. */
struct robot_client *robot_client_create(struct loop *loop, struct network *network, struct error *error);
/* Requests that wait or are under way complete from within, as cancelled. Takes NULL. Not from within a
 * callback of its own. */
void robot_client_destroy(struct robot_client *client);

void robot_client_set_port(struct robot_client *client, uint16_t port);

/* error NULL and what the keyword returned (valid during the call), or error: "emulator_error" with Renode's
 * words, "emulator_timeout", "not_running" (number -ECONNREFUSED: nobody listens there (yet)). */
typedef void robot_done(const struct error *error, const char *text, void *data);

/* Runs a keyword with one argument (NULL: none). on_done never fires from within. */
void robot_client_run(struct robot_client *client, const char *keyword, const char *argument,
		      uint64_t timeout_ms, robot_done *on_done, void *data);

/* A command of Renode's monitor: the keyword ExecuteCommand. */
void robot_client_execute(struct robot_client *client, const char *command, uint64_t timeout_ms,
			  robot_done *on_done, void *data);
