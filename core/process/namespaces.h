#pragma once

/*
 * A user and a network namespace of a child's own: it sees its loopback and no other network, and nobody
 * outside reaches a port it opens, except through sockets that were made inside. They live as long as this
 * object or a process in them: no process keeps them.
 */

#include "core/base/error.h"

#include <stdbool.h>

struct namespaces;

/* Makes both, with the caller's uid and gid as themselves and loopback up (0.5 ms, blocks). NULL with error
 * where the kernel, its settings, a container or EMUD_NO_NAMESPACES do not allow it. Single-threaded callers
 * only. */
struct namespaces *namespaces_create(struct error *error);
void namespaces_destroy(struct namespaces *namespaces); /* takes NULL */

/* A TCP socket that was made inside, not connected: non-blocking, close-on-exec, the caller's. Blocks for a
 * fork now and then. Or a negative errno. */
int namespaces_socket(struct namespaces *namespaces, struct error *error);

/* In a child only, before it is tied and confined: async-signal-safe, 0 or a negative errno. */
int namespaces_enter(const struct namespaces *namespaces);

/* Whether namespaces_create works here: tries it. */
bool namespaces_are_permitted(void);
