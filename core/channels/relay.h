#pragma once

/*
 * Copies bytes both ways between a client and an emulator's socket, each way through one bounded buffer. A
 * client that closes its sending half still gets what the emulator says; the emulator's end of file ends it.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { RELAY_BUFFER_BYTES = 16 * 1024 };

enum relay_end {
	RELAY_END_CLIENT,   /* the client went */
	RELAY_END_EMULATOR, /* the emulator closed the connection, and the client has all it said */
	RELAY_END_REFUSED,  /* the client spoke HTTP */
};

struct relay_options {
	int client_fd;           /* non-blocking; a socket or a pty's master */
	int emulator_fd;         /* non-blocking */
	bool refuse_http;        /* hold the client's first bytes until they cannot be an HTTP request */
	bool refuse_pages;       /* the emulator speaks HTTP: let through what no web page can send */
	const void *first_bytes; /* what the client has sent already, at most RELAY_BUFFER_BYTES */
	size_t first_length;
};

struct relay;

/* The descriptors stay the caller's and outlive the relay. on_end comes once, never from within the call; the
 * relay then does nothing more. */
struct relay *relay_create(struct loop *loop, const struct relay_options *options,
			   void (*on_end)(enum relay_end end, void *data), void *data, struct error *error);
void relay_destroy(struct relay *relay);
