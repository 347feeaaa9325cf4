#pragma once

/* A console over a WebSocket: the output from its file, the input through the instance's shim. */

#include "server/http/request.h"
#include "server/watch/tail.h"

/* The reply for the channel {name}: the output that tail follows (its own on_ready and data are not used),
 * and input as long as that start of the board goes on. */
void reply_console_socket(struct request *request, const struct tail_options *tail);
