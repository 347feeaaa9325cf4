#pragma once

/* Browser sessions. Neither cookie nor token is kept, only digests of them. */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdint.h>

enum { SESSION_DIGEST_BYTES = 32 };

struct session_row {
	uint8_t digest[SESSION_DIGEST_BYTES];       /* of the cookie's value: the key */
	uint8_t token_digest[SESSION_DIGEST_BYTES]; /* of the token that opened it: no token, no session */
	char *token_name;
	int64_t created_at_ms;
	int64_t expires_at_ms;
};

void session_row_finish(struct session_row *row);
#define cleanup_session_row cleanup(session_row_finish)

int sessions_insert(struct store *store, const struct session_row *row, struct error *error);

/* -ENOENT with code "unauthorized" where there is none, or it expired before now_ms. Finish ret_row. */
int sessions_get(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES], int64_t now_ms,
		 struct session_row *ret_row, struct error *error);

int sessions_extend(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES],
		    int64_t expires_at_ms, struct error *error);

/* A session that is not there is deleted already. */
int sessions_delete(struct store *store, const uint8_t digest[static SESSION_DIGEST_BYTES],
		    struct error *error);

/* Deletes those that expired before now_ms. */
int sessions_purge(struct store *store, int64_t now_ms, struct error *error);
