#pragma once

/* multipart/form-data (RFC 7578), streamed: parts are told as they come, memory is bounded. Knows no
 * connection. */

#include "core/base/error.h"

#include <stddef.h>

struct multipart;

struct multipart_part {
	const char *name;
	const char *filename;     /* NULL: none */
	const char *content_type; /* NULL: none */
};

/* Each returns 0 or a negative errno with error set, which ends the parsing with that error. */
struct multipart_events {
	int (*on_part)(const struct multipart_part *part, struct error *error, void *data);
	int (*on_bytes)(const char *bytes, size_t length, struct error *error, void *data);
	int (*on_part_end)(struct error *error, void *data);
};

enum { MULTIPART_HEAD_BYTES = 8 * 1024, MULTIPART_PARTS_MAX = 32 };

/* NULL with error set: content_type is not multipart/form-data with a boundary ("unsupported_media_type"). */
struct multipart *multipart_create(const char *content_type, const struct multipart_events *events,
				   void *data, struct error *error);
void multipart_destroy(struct multipart *multipart);

/* 0 or a negative errno with error set (code "invalid_request" where the body is malformed). */
int multipart_feed(struct multipart *multipart, const char *bytes, size_t length, struct error *error);

/* The body has ended: 0 if its closing boundary was seen. */
int multipart_finish(struct multipart *multipart, struct error *error);
