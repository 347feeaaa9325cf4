#include "server/api/digest.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <string.h>

int digest_compute(const void *data, size_t length, uint8_t out[static DIGEST_BYTES])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, data, length, out) < 0 ? -ENOMEM : 0;
}

void digest_to_hex(const uint8_t digest[static DIGEST_BYTES], char out[static DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[DIGEST_HEX_SIZE - 1] = '\0';
}

int digest_normalize_hex(const char *text, char out[static DIGEST_HEX_SIZE])
{
	if (strlen(text) != DIGEST_HEX_SIZE - 1 ||
	    strspn(text, "0123456789abcdefABCDEF") != DIGEST_HEX_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < DIGEST_HEX_SIZE; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'F' ? (char) (text[i] - 'A' + 'a') : text[i];
	return 0;
}
