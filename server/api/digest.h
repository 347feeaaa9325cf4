#pragma once

/* SHA-256, by GnuTLS. */

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX_SIZE = 2 * DIGEST_BYTES + 1 };

/* 0 or -ENOMEM (the library cannot compute it). */
int digest_compute(const void *data, size_t length, uint8_t out[static DIGEST_BYTES]);

/* Lower-case hex with its NUL. */
void digest_to_hex(const uint8_t digest[static DIGEST_BYTES], char out[static DIGEST_HEX_SIZE]);

/* Takes the 64 digits of text in either case and gives them in lower case; -EINVAL for anything else. */
int digest_normalize_hex(const char *text, char out[static DIGEST_HEX_SIZE]);
