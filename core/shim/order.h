#pragma once

/*
 * How a shim gets its start: emud runs it with one end of a socket pair, and sends what it is to work with
 * when there is a start to make. So a shim can stand ready, loaded and set up, before anybody asks for one.
 */

#include "core/base/error.h"

/* The descriptor a shim finds its end of the socket pair (SOCK_SEQPACKET) on. */
enum { SHIM_ORDER_FD = 3 };

/* -1: none. The first order has the first two. To a shim whose spec.json says "prestart" a second one
 * follows, when another spec.json is there. */
struct shim_order {
	int listen_fd; /* the listening control socket */
	int state_fd;  /* the state directory */
	int firmware_fd;
};

/* The order's descriptors stay the caller's. -EPIPE: there is no shim at the other end. */
int shim_order_send(int fd, const struct shim_order *order, struct error *error);

/* Waits for it; its descriptors are the caller's, close-on-exec. -EPIPE: emud has gone, there will be none.
 */
int shim_order_receive(int fd, struct shim_order *ret_order, struct error *error);
