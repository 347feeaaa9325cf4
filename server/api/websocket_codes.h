#pragma once

/* What the API's WebSockets say when they close, and the longest message they take. */

enum { WEBSOCKET_NORMAL = 1000, WEBSOCKET_INTERNAL_ERROR = 1011 };

enum { WEBSOCKET_MESSAGE_BYTES = 1024 * 1024 };
