#pragma once

/* The token file: who may call. A line each, "NAME TOKEN" or "TOKEN"; "#" begins a comment line. */

#include "core/base/error.h"
#include "server/api/digest.h"

#include <stddef.h>
#include <stdint.h>

struct token {
	char *name;                   /* "token-<line>" where the line has none */
	uint8_t digest[DIGEST_BYTES]; /* SHA-256 of the token, which itself is not kept */
};

struct tokens {
	struct token *all;
	size_t count;
};

/* Reads the whole file. -EPERM when others than its owner may read or write it; -EINVAL with the line's
 * number (never its text) for a line that is wrong, a name or token given twice, or a file without tokens.
 * ret_tokens is untouched on failure. */
int tokens_read(const char *path, struct tokens *ret_tokens, struct error *error);
void tokens_finish(struct tokens *tokens);

/* The token of that digest, or NULL. Takes as long whether, and where, there is one. */
const struct token *tokens_find(const struct tokens *tokens, const uint8_t digest[static DIGEST_BYTES]);
