#pragma once

/* The control socket: connections, requests, replies, events. */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "core/shim/instance.h"

struct control;

/* Takes listen_fd. */
struct control *control_create(struct loop *loop, int listen_fd, struct instance *instance,
			       struct error *error);
void control_destroy(struct control *control);

/* Tells every connection the status. */
void control_publish(struct control *control);

/* Accepts no more, sends what is queued; on_quiet fires (once) when all have it or CONTROL_QUIET_MS are
 * over. */
enum { CONTROL_QUIET_MS = 1000 };
void control_finish(struct control *control, void (*on_quiet)(void *data), void *data);

/* ---- one request, for the commands ---- */

struct call;

struct instance *call_instance(const struct call *call);
const json_t *call_arguments(const struct call *call); /* an object, or NULL */
uint64_t call_timeout_ms(const struct call *call);

/* Each ends the call. A connection that has gone meanwhile gets nothing. result is borrowed. */
void call_reply(struct call *call, const json_t *result);
void call_fail(struct call *call, const struct error *error, const json_t *extra);
/* Replies {} and gives the connection itself away, as a descriptor. -EPIPE: it has gone. */
int call_take_connection(struct call *call);
