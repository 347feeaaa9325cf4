#pragma once

/* What fleet.c and board.c share. */

#include "server/shims/board.h"
#include "server/shims/fleet.h"
#include "server/shims/shim_reserve.h"

const struct fleet_options *fleet_options(const struct fleet *fleet);
const char *fleet_boot_id(const struct fleet *fleet);
/* Where starts have their cgroups; NULL: there are none here. */
const char *fleet_cgroup_base(const struct fleet *fleet);
struct shim_reserve *fleet_reserve(struct fleet *fleet);
/* A board has changed: the fleet looks whether someone waits for all of them. */
void fleet_board_changed(struct fleet *fleet, struct board *board);
/* Tells whoever observes the fleet. */
void fleet_tell(const struct fleet *fleet, const struct fleet_change *change);
/* Takes it out of the table; the caller destroys it. */
void fleet_remove(struct fleet *fleet, struct board *board);
