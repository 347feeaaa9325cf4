#pragma once

/*
 * Who calls: bearer tokens of the token file, and the sessions that browsers get for one.
 *
 * A session is a cookie of 256 random bits whose digest is a row of the store. It ends 30 days after it was
 * last used, with DELETE /session, and with its token: one that is no longer in the file opens nothing.
 *
 * Browsers keep cookies by host and know no ports: the port is in the cookie's name, or two emuds on one host
 * would throw each other's users out. It is that of the Host header (host_port), by which the browser came,
 * not ours: a tunnel or proxy may have another. port below: that; < 0: none was named.
 */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUTH_COOKIE_HEADER_SIZE = 256, AUTH_SESSION_SECONDS = 30 * 24 * 60 * 60 };

struct auth;

/* token_file NULL: every caller is trusted (emud then listens on loopback only). The store is borrowed. */
struct auth *auth_create(const char *token_file, struct store *store, struct error *error);
void auth_destroy(struct auth *auth);

/* False without a token file: nothing needs to be checked, and there are no sessions. */
bool auth_is_required(const struct auth *auth);

/* Reads the token file again; a wrong one is refused and the tokens stay as they were. */
int auth_reload(struct auth *auth, struct error *error);

/* The value of an Authorization header. *ret_name: whose token it is, valid until the next reload. -EACCES
 * with code "unauthorized". */
int auth_check_bearer(const struct auth *auth, const char *authorization, const char **ret_name,
		      struct error *error);

/* The value of a Cookie header, of which ours is one. *ret_name as above. *ret_is_extended: the session's end
 * has moved, so the browser should get the cookie anew (auth_format_cookie); NULL: it stays. -EACCES with
 * "unauthorized". */
int auth_check_cookie(const struct auth *auth, const char *cookie, long port, int64_t now_ms,
		      const char **ret_name, bool *ret_is_extended, struct error *error);

/* Turns a token into a session. set_cookie becomes the value of the Set-Cookie header; is_secure adds
 * Secure (the browser came over TLS). -EACCES with "unauthorized"; else as the store says. */
int auth_begin_session(const struct auth *auth, const char *token, long port, int64_t now_ms, bool is_secure,
		       char set_cookie[static AUTH_COOKIE_HEADER_SIZE], struct error *error);

/* Ends the session of a Cookie header, if it has one; set_cookie makes the browser forget the cookie. */
int auth_end_session(const struct auth *auth, const char *cookie, long port, bool is_secure,
		     char set_cookie[static AUTH_COOKIE_HEADER_SIZE], struct error *error);

/* Set-Cookie for the session that the Cookie header already has. */
void auth_format_cookie(const char *cookie, long port, bool is_secure,
			char set_cookie[static AUTH_COOKIE_HEADER_SIZE]);
