#pragma once

/*
 * gdb, qmp, monitor: a unix socket of the emulator's that serves one client, offered on a tcp listener on
 * 127.0.0.1 or a pty, and to emud as a connection. One client at a time, a second is refused at once.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "core/channels/console.h"

struct tunnel;

struct tunnel_options {
	const char *name;
	enum console_endpoint endpoint;
	bool refuse_http; /* close a client whose first bytes look like an HTTP request */
	int dirfd;	  /* state directory (borrowed, outlives the tunnel) */
	const char *socket_name; /* the emulator's unix socket below dirfd: "gdb.sock" */
};

struct tunnel *tunnel_create(struct loop *loop, const struct tunnel_options *options, struct error *error);
void tunnel_destroy(struct tunnel *tunnel);
const char *tunnel_name(const struct tunnel *tunnel);
uint16_t tunnel_port(const struct tunnel *tunnel);
const char *tunnel_pty_path(const struct tunnel *tunnel);

/* Claims the one place for a user inside the shim (gdb commands, an attached emud client). 0 or -EBUSY
 * (code "channel_busy"); give it back with tunnel_release. */
int tunnel_claim(struct tunnel *tunnel, struct error *error);
void tunnel_release(struct tunnel *tunnel);

/* Joins client_fd (taken) with a fresh connection to the emulator until either side ends. 0, -EBUSY, ... */
int tunnel_attach(struct tunnel *tunnel, int client_fd, const void *first_bytes, size_t length,
		  struct error *error);
