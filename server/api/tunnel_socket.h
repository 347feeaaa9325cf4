#pragma once

/* Any channel but a console over a WebSocket: bytes both ways, through a tunnel of the instance's shim. */

#include "server/http/request.h"
#include "server/shims/board.h"

/* The reply for the channel {name}: first the tunnel, then the upgrade, so that channel_busy is a problem. */
void reply_tunnel_socket(struct request *request, struct board *board);
