#pragma once

/*
 * Where Renode's ports are: in a network namespace of its own, where none is taken and nobody else comes, or,
 * where the host allows no namespaces, on the host, where each is looked for and may turn out to be taken.
 */

#include "core/base/error.h"
#include "core/emulators/launcher.h"
#include "core/process/namespaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct network;

struct network *network_create(struct error *error);
/* That of a Renode which somebody else has started: its ports are its channels, and only these two. adoption
 * outlives the network. */
struct network *network_create_adopted(const struct adoption *adoption, struct error *error);
enum { NETWORK_ADOPTED_ROBOT = 1, NETWORK_ADOPTED_GDB };
void network_destroy(struct network *network); /* takes NULL */

/* Where the process is to run; NULL: on the host. */
const struct namespaces *network_namespaces(const struct network *network);

/* A port that nobody has: for good in a namespace, as of now on the host. 0: none (error is set). Never one
 * that was handed out before, so that none waits for an earlier use of it to time out. */
uint16_t network_pick_port(struct network *network, struct error *error);

/* A socket that is connecting to a port of Renode's: non-blocking, the caller's. A refusal may be told here
 * or by the socket. */
int network_dial(struct network *network, uint16_t port, struct error *error);
/* It has been closed. */
void network_hang_up(struct network *network, uint16_t port);
