#pragma once

/* emud's connection to one shim: requests and their replies, status events. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <jansson.h>
#include <stdint.h>

struct shim_link;
struct shim_call;

struct shim_link_events {
	/* The greeting's status and every one after it; borrowed. */
	void (*on_status)(const json_t *status, void *data);
	/* The shim has gone, or speaks something else. The link is dead: destroy it, here or later. Every
	 * call under way has been completed with an error before. */
	void (*on_end)(void *data);
};

/* Connects to control.sock below dirfd. NULL with error->number -ECONNREFUSED or -ENOENT: no shim is
 * there. */
struct shim_link *shim_link_connect(struct loop *loop, int dirfd, const struct shim_link_events *events,
				    void *data, struct error *error);
/* Calls under way complete with an error, from within. */
void shim_link_destroy(struct shim_link *link);

/*
 * One command. arguments (nullable) is borrowed; "timeout_ms" is added to it. on_done fires exactly once,
 * never from within: error (and body: its object, which may bear more members) or the result. NULL: no
 * memory.
 */
typedef void shim_done(const struct error *error, const json_t *body, void *data);
struct shim_call *shim_link_request(struct shim_link *link, const char *command, const json_t *arguments,
				    uint64_t timeout_ms, shim_done *on_done, void *data, struct error *error);
/* Forgets the caller: on_done does not fire. The command itself may still take effect. */
void shim_call_cancel(struct shim_call *call);
