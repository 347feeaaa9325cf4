#pragma once

/*
 * Joins a console with an emulator that offers it as a stream socket only: what the socket says is appended
 * to "<console>.out", what is written to the FIFO "<console>.in" goes to the socket. No byte is lost: a full
 * disk stops the reading of the socket until there is room again, a socket that takes nothing stops the
 * reading of the FIFO.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

struct bridge;

/* Looks for room again this often while the disk is full, which no event tells. */
enum { BRIDGE_RETRY_MS = 250 };

/* Takes socket_fd (connected, or a pty; closed even on failure). The console's file and FIFO must be there
 * below dirfd, which is borrowed for the call. on_end fires once, never from within the call: the socket has
 * ended (0: end of file, else a negative errno) and all that it said lies in the file, or the file cannot be
 * written. The bridge then does nothing more; it may be destroyed there. */
struct bridge *bridge_create(struct loop *loop, int socket_fd, int dirfd, const char *console,
			     void (*on_end)(int number, void *data), void *data, struct error *error);

/* Throws away input that the FIFO has given already and the socket has not taken (a reset). */
void bridge_drop_input(struct bridge *bridge);

/* Appends what the socket has said and was not read yet, as far as the disk takes it. Takes NULL. */
void bridge_destroy(struct bridge *bridge);
