#pragma once

/* The reply that is a file's bytes. */

#include "server/http/request.h"
#include "server/watch/tail.h"

/* 200 with what a tail reads: at once and with its length where it is little, else streamed as it comes and
 * is taken. A gap breaks the connection: a body cannot tell it. tail's own on_ready and data are not used. */
void reply_tail(struct request *request, const char *content_type, const struct tail_options *tail);
