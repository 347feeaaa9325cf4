#pragma once

/* Accepts connections, within a limit, and survives the exhaustion of descriptors without spinning. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

struct acceptor;

/* Takes listen_fd. on_connection owns fd; it is not called while the acceptor is paused. */
struct acceptor *acceptor_create(struct loop *loop, int listen_fd,
				 void (*on_connection)(int fd, const struct sockaddr *address,
						       socklen_t address_size, void *data),
				 void *data, struct error *error);
void acceptor_destroy(struct acceptor *acceptor);

/* While paused, clients wait in the kernel's queue. */
void acceptor_set_paused(struct acceptor *acceptor, bool paused);

/* How many connections the process's limit of descriptors allows, with a reserve for everything else. */
unsigned acceptor_connection_limit(void);
