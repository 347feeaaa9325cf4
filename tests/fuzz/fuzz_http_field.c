/* A header's value, as every parser of ours that reads one. */

#include "server/http/field.h"
#include "server/http/websocket_handshake.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = strndup((const char *) data, size);
	char out[32], accept[WEBSOCKET_ACCEPT_SIZE];
	field_accepts_gzip(value);
	field_matches_tag(value, "W/\"0123456789abcdef\"");
	field_is_media_type(value, "multipart/form-data");
	field_has_token(value, "upgrade");
	if (field_parameter(value, "name", out, sizeof(out)) && strlen(out) >= sizeof(out))
		abort();
	if (websocket_key_is_valid(value) && (websocket_accept(value, accept) < 0 || strlen(accept) != 28))
		abort();
	free(value);
	return 0;
}
