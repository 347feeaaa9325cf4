#pragma once

/*
 * The connection to a driver in the loop: requests with a deadline each, replies matched by id, events handed
 * on. A driver that breaks the protocol (a line that is no message, too long, or one of too many) is not
 * listened to any more; every error names the driver ("the driver of x ...").
 */

#include "core/base/error.h"
#include "core/emulators/external/driver_codec.h"
#include "core/loop/loop.h"

struct driver_client;

enum {
	/* Events, and replies that nothing waits for. */
	DRIVER_UNASKED_LINES_PER_SECOND_MAX = 1000,
	/* Requests that it has not read; more are refused. */
	DRIVER_UNREAD_BYTES_MAX = 1024 * 1024,
};

struct driver_client_events {
	void (*on_event)(const char *name, const json_t *event_data, void *data);
	/* Nothing more comes of it; every request was completed before. Once. */
	void (*on_lost)(const struct error *error, void *data);
};

/* error NULL and the result (borrowed), or error alone: the driver's own with its code, "emulator_timeout",
 * or "emulator_error" for all else. */
typedef void driver_client_done(const struct error *error, const json_t *result, void *data);

/* Takes fd (closed even on failure). emulator (borrowed) and events must outlive the client, which may be
 * destroyed at any time, from within its callbacks too. */
struct driver_client *driver_client_create(struct loop *loop, int fd, const char *emulator,
					   const struct driver_client_events *events, void *data,
					   struct error *error);

/* Requests under way complete from within, as cancelled. Takes NULL. */
void driver_client_destroy(struct driver_client *client);

/* on_done fires exactly once, never from within, unless there is no memory to remember it. arguments are
 * borrowed for the call; NULL: none. */
void driver_client_request(struct driver_client *client, const char *command, const json_t *arguments,
			   uint64_t timeout_ms, driver_client_done *on_done, void *data);

/* {"event","data"}, which has no answer; data is borrowed. */
void driver_client_tell(struct driver_client *client, const char *event, const json_t *event_data);

/* Completes from the loop with that error, as if the driver had been asked. */
void driver_client_refuse(struct driver_client *client, const struct error *refusal,
			  driver_client_done *on_done, void *data);

/* The driver's process has ended, or is not needed any more: what it said last is read, then the client is
 * lost for that reason. */
void driver_client_end(struct driver_client *client, const struct error *reason);

/* The command that waits longest for its reply, or NULL. */
const char *driver_client_waits_for(const struct driver_client *client);
