#pragma once

/* XML-RPC as bytes and values: calls are written, responses read. Knows no socket and no loop. */

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <jansson.h>

/* Appends a methodCall. params: strings, and arrays of them; what XML cannot hold (control characters) is
 * replaced. 0 or -ENOMEM. */
int xmlrpc_encode_call(struct buffer *out, const char *method, const json_t *params);

struct xmlrpc_response {
	json_t *value; /* what was returned, or a fault's {"faultCode","faultString"} */
	bool is_fault;
};

void xmlrpc_response_finish(struct xmlrpc_response *response);

/*
 * Reads a whole methodResponse. Strings, numbers and booleans become JSON's own, dateTime and base64 their
 * text, nil null; line ends are \n, as XML has it. 0, or -EBADMSG for anything that is none (a document type
 * or nesting beyond all need included).
 */
int xmlrpc_decode_response(const char *bytes, size_t length, struct xmlrpc_response *ret_response,
			   struct error *error);
