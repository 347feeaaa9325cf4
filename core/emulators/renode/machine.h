#pragma once

/*
 * The machine inside Renode: set up over the robot port step by step, each step's answer looked at, with a
 * bridge for every terminal from the moment it exists; put back to its start; and set up again after somebody
 * has torn it down.
 */

#include "core/base/error.h"
#include "core/emulators/launcher.h"
#include "core/emulators/renode/network.h"
#include "core/emulators/renode/robot_client.h"
#include "core/loop/loop.h"

#include <stdbool.h>

struct renode_machine;

struct renode_machine_options {
	const struct launch *launch; /* these are borrowed and outlive the machine */
	struct network *network;
	struct robot_client *client;
	/* A terminal has closed its connection: Renode ends, or somebody has torn the machine down. Not told
	 * while the machine is being set up. */
	void (*on_terminal_lost)(void *data);
	void *data;
};

struct renode_machine *renode_machine_create(const struct renode_machine_options *options,
					     struct error *error);
void renode_machine_destroy(
    struct renode_machine *machine); /* takes NULL; takes along what the terminals have said */

/* error: NULL, or why not, with Renode's own words (code "emulator_error"). */
typedef void renode_machine_done(const struct error *error, void *data);

/*
 * One at a time. Sets the machine up: with `anew`, whatever stands there is torn down first. Until Renode
 * answers at all (no connection, or commands that are not there yet) it is asked again every 10 ms, without
 * an end: cancel it when the process has ended. running: starts it at last. on_done fires once, never from
 * within. On the host a port that turns out to be taken is replaced by another.
 */
void renode_machine_set_up(struct renode_machine *machine, bool anew, bool running, uint64_t step_timeout_ms,
			   renode_machine_done *on_done, void *data);

/* Back to power-on with the image there is, then running or standing still. Terminals, gdb server and their
 * clients stay. */
void renode_machine_reset(struct renode_machine *machine, bool running, uint64_t step_timeout_ms,
			  renode_machine_done *on_done, void *data);

/* Drops what is under way, without an answer. */
void renode_machine_cancel(struct renode_machine *machine);
bool renode_machine_is_busy(const struct renode_machine *machine);

/* The ELF file by which Renode is to know the image from now on, e.g. "/proc/self/fd/5"; NULL: none. 0 or
 * -ENOMEM. */
int renode_machine_set_image(struct renode_machine *machine, const char *path);
const char *renode_machine_image(const struct renode_machine *machine); /* NULL: none */

void renode_machine_drop_input(struct renode_machine *machine);
/* How many terminals are connected: after the end of the process, how many have not said all yet. */
size_t renode_machine_connected_terminals(const struct renode_machine *machine);
uint16_t renode_machine_gdb_port(const struct renode_machine *machine);
