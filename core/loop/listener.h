#pragma once

/* A listening socket that hands out accepted connections. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdint.h>

struct listener;

/* Takes fd, which must be listening already. on_connection owns connection_fd (close-on-exec,
 * non-blocking). */
struct listener *listener_create(struct loop *loop, int fd,
				 void (*on_connection)(int connection_fd, void *data), void *data,
				 struct error *error);
void listener_destroy(struct listener *listener);

/* A listening TCP socket on host (an address literal); port 0: any. The descriptor, or a negative errno. */
int listener_open_tcp(const char *host, uint16_t port, uint16_t *ret_port, struct error *error);

/* A listening unix socket of mode 0600 at name below dirfd, replacing a dead one; long paths work. */
int listener_open_unix(int dirfd, const char *name, struct error *error);

/* Connects (non-blocking is not needed: local) to a unix socket below dirfd. The descriptor or a negative
 * errno. */
int listener_connect_unix(int dirfd, const char *name, struct error *error);
