#pragma once

/* Starting a shim: on this machine, by posix_spawn. The one place that would change if an engine placed it on
 * another host. */

#include "core/base/cleanup.h"
#include "core/base/error.h"

#include <stdbool.h>

enum { SHIM_COOKIE_SIZE = 33 };

/* A shim that waits for its order (core/shim/order.h). */
struct shim_handle {
	int order_fd;                  /* -1: none */
	char cookie[SHIM_COOKIE_SIZE]; /* of the start it will make, random */
};

/* program: path of emud-shim. It gets a session of its own, so that a Ctrl-C at emud's terminal does not
 * reach it, and EMUD_COOKIE=<cookie> in its environment, as every process of the start will have: by that one
 * that hangs is found. 0 or a negative errno. */
int shim_spawn(const char *program, struct shim_handle *ret_handle, struct error *error);

/* False: it is none, or was killed meanwhile. */
bool shim_is_waiting(const struct shim_handle *handle);

/* Lets go of it: one that has no order ends. */
void shim_dismiss(struct shim_handle *handle);
#define cleanup_shim cleanup(shim_dismiss)
