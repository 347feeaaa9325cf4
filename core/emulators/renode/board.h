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

struct board;

struct board_options {
	const struct launch *launch; /* these are borrowed and outlive the board */
	struct network *network;
	struct robot_client *client;
	/* A terminal has closed its connection: Renode ends, or somebody has torn the machine down. Not told
	 * while the board is being set up. */
	void (*on_terminal_lost)(void *data);
	void *data;
};

struct board *board_create(const struct board_options *options, struct error *error);
void board_destroy(struct board *board); /* takes NULL; takes along what the terminals have said */

/* error: NULL, or why not, with Renode's own words (code "emulator_error"). */
typedef void board_done(const struct error *error, void *data);

/*
 * One at a time. Sets the machine up: with `anew`, whatever stands there is torn down first. Until Renode
 * answers at all (no connection, or commands that are not there yet) it is asked again every 10 ms, without
 * an end: cancel it when the process has ended. running: starts it at last. on_done fires once, never from
 * within. On the host a port that turns out to be taken is replaced by another.
 */
void board_set_up(struct board *board, bool anew, bool running, uint64_t step_timeout_ms, board_done *on_done,
		  void *data);

/* Back to power-on with the image there is, then running or standing still. Terminals, gdb server and their
 * clients stay. */
void board_reset(struct board *board, bool running, uint64_t step_timeout_ms, board_done *on_done,
		 void *data);

/* Drops what is under way, without an answer. */
void board_cancel(struct board *board);
bool board_is_busy(const struct board *board);

/* The ELF file by which Renode is to know the image from now on, e.g. "/proc/self/fd/5"; NULL: none. 0 or
 * -ENOMEM. */
int board_set_image(struct board *board, const char *path);

void board_drop_input(struct board *board);
/* How many terminals are connected: after the end of the process, how many have not said all yet. */
size_t board_connected_terminals(const struct board *board);
uint16_t board_gdb_port(const struct board *board);
