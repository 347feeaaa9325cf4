#pragma once

/* What is done to a body before it is sent: tag and gzip. */

#include "core/base/buffer.h"

#include <stddef.h>

/* Below this gzip costs more than it saves. */
enum { CONTENT_GZIP_MINIMUM = 1024 };

enum { CONTENT_TAG_SIZE = 24 };

/* A weak entity tag, W/"<64 bits of hash>", of a body that is made anew for each answer. */
void content_tag(const void *bytes, size_t length, char out[static CONTENT_TAG_SIZE]);

/* Appends the bytes, compressed, to out; level as of zlib. 0 or -ENOMEM. */
int content_gzip(const void *bytes, size_t length, int level, struct buffer *out);

/* True for types that are worth compressing (text, JSON, scripts, ...). */
bool content_is_compressible(const char *content_type);
