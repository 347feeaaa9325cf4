#include "server/http/websocket_handshake.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

enum { KEY_LENGTH = 24, SHA1_BYTES = 20 };

bool websocket_key_is_valid(const char *key)
{
	cleanup_free void *bytes = NULL;
	size_t length;
	return key && strlen(key) == KEY_LENGTH && base64_decode(key, KEY_LENGTH, &bytes, &length) == 0 &&
	       length == 16;
}

int websocket_accept(const char *key, char out[static WEBSOCKET_ACCEPT_SIZE])
{
	char text[128];
	unsigned char digest[SHA1_BYTES];
	int length = snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	if (length < 0 || (size_t) length >= sizeof(text))
		return -EINVAL;
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, (size_t) length, digest) < 0)
		return -EIO;
	cleanup_free char *encoded = base64_encode(digest, sizeof(digest));
	if (!encoded)
		return -ENOMEM;
	snprintf(out, WEBSOCKET_ACCEPT_SIZE, "%s", encoded);
	return 0;
}
