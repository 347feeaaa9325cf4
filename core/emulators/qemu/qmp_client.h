#pragma once

/*
 * A QMP connection in the loop: requests with a deadline each, replies matched by id, events handed on.
 * Requests may be made at once: QEMU answers them in their order, and the greeting needs no waiting for.
 */

#include "core/base/error.h"
#include "core/emulators/qemu/qmp.h"
#include "core/loop/loop.h"

struct qmp_client;

struct qmp_client_events {
	void (*on_event)(const char *name, const json_t *event_data, void *data);
	/* The connection has ended; every request was completed before. Once. */
	void (*on_lost)(const struct error *error, void *data);
};

/* Takes fd (closed even on failure). events must outlive the client, which may be destroyed at any time,
 * from within its callbacks too. */
struct qmp_client *qmp_client_create(struct loop *loop, int fd, const struct qmp_client_events *events,
				     void *data, struct error *error);

/* Requests under way complete from within, as cancelled. Takes NULL. */
void qmp_client_destroy(struct qmp_client *client);

/* error NULL and QEMU's return; or error with code "emulator_error" and QEMU's error as the reply; or error
 * alone: "emulator_timeout", "not_running" (connection lost or client destroyed), "emulator_error". */
typedef void qmp_client_done(const struct error *error, const struct qmp_message *reply, void *data);

struct qmp_call {
	const char *command;
	const json_t *arguments; /* borrowed for the call; NULL: none */
	const char *wide_value;  /* as qmp_encode takes it */
	uint64_t timeout_ms;
};

/* on_done fires exactly once, never from within, unless there is no memory to remember it. */
void qmp_client_request(struct qmp_client *client, const struct qmp_call *call, qmp_client_done *on_done,
			void *data);

/* Tells the events that lie unread in a connection whose peer has ended, now. Replies among them are lost:
 * their requests complete when the loop tells the end of the connection. */
void qmp_client_drain(struct qmp_client *client);
