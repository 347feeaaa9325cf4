#pragma once

/* The joints between an emulator's channels and ours: files handed down, sockets and ptys bridged. */

#include "core/emulators/external/plan.h"
#include "core/loop/loop.h"

struct joints;

/* Connects the consoles that the emulator offers via sockets and ptys. dirfd and plan are borrowed and
 * outlive the joints. NULL with error set, which names the channel. */
struct joints *joints_create(struct loop *loop, int dirfd, const struct external_plan *plan,
			     struct error *error);
void joints_destroy(struct joints *joints); /* takes NULL */

/* Throws away input that is on its way (a reset). Takes NULL. */
void joints_drop_input(struct joints *joints);

/* A fresh connection to what the emulator offers, or a negative errno. */
int joints_connect(int dirfd, const struct external_channel *offer, struct error *error);

/* The console's FIFO for reading and file for appending, as an emulator's stdin and stdout. 0 or negative. */
int joints_open_files(int dirfd, const char *console, int *ret_stdin, int *ret_stdout, struct error *error);
