#pragma once

/*
 * gdb, qmp, monitor: a socket of the emulator's that serves one client, offered on a tcp listener on
 * 127.0.0.1 or a pty, and to emud as a connection. One client at a time, a second is refused at once.
 *
 * A pty's user holds the place from opening the pty to closing it (so that QMP's greeting comes at once, as
 * on a socket), and is connected anew when he types after the emulator has closed the connection. A pty
 * cannot refuse: while somebody else holds the place, what is typed waits.
 */

#include "core/base/error.h"
#include "core/channels/console.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tunnel;

struct tunnel_options {
	const char *name;
	enum console_endpoint endpoint;
	bool refuse_http;  /* close a client whose first bytes look like an HTTP request */
	bool refuse_pages; /* the emulator speaks HTTP: close a client that sends what a web page could */
	int dirfd;         /* state directory (borrowed, outlives the tunnel) */
	const char
	    *socket_name; /* the emulator's unix socket below dirfd: "gdb.sock"; NULL: connect is asked */
	/* A fresh connection to the emulator, or a negative errno. */
	int (*connect)(const char *name, void *data, struct error *error);
	/* Optional. A client whom connect served has gone. */
	void (*on_left)(const char *name, void *data);
	void *data;
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

/* Joins client_fd with a fresh connection to the emulator until either side ends. Claim the place first: the
 * connection takes the claim over, and frees the place when it ends (without a claim the place must be free,
 * else -EBUSY). client_fd is taken on success; on failure it stays the caller's, and so does the claim.
 * first_bytes: what the client has sent already. Nothing flows before the caller has returned to the loop, so
 * that an answer may still be written to client_fd behind this call. 0, -EBUSY, -EMSGSIZE (more than 16 KiB
 * of first_bytes), or what kept the emulator from being reached (code "emulator_unavailable"). */
int tunnel_attach(struct tunnel *tunnel, int client_fd, const void *first_bytes, size_t length,
		  struct error *error);
/* Ends what tunnel_attach has joined, as if the client had gone. Without effect where nothing is. */
void tunnel_detach(struct tunnel *tunnel);
