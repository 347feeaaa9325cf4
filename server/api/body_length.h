#pragma once

#include "server/http/request.h"

#include <stdbool.h>
#include <stdint.h>

/* Judged from the head, before a streamed body is sent: false where Content-Length says more than max_bytes.
 */
bool body_length_fits(struct request *request, uint64_t max_bytes);
