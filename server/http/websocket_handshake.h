#pragma once

/* The opening handshake's key (RFC 6455, 4.2). Knows no connection. */

#include <stdbool.h>

enum { WEBSOCKET_ACCEPT_SIZE = 32 };

/* True for 16 bytes in base64. */
bool websocket_key_is_valid(const char *key);

/* What Sec-WebSocket-Accept answers to the key. 0 or a negative errno. */
int websocket_accept(const char *key, char out[static WEBSOCKET_ACCEPT_SIZE]);
