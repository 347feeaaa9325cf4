#pragma once

/* A growing run of bytes that is filled at the end and consumed at the front. Zero-initialised is empty. */

#include "core/base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; /* owned; always NUL-terminated behind length where not NULL */
	size_t length;
	size_t capacity;
};

void buffer_finish(struct buffer *buffer);
#define cleanup_buffer cleanup(buffer_finish)

/* Each returns 0 or -ENOMEM; on failure the buffer is as before. */
int buffer_append(struct buffer *buffer, const void *data, size_t length);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes room for at least `room` more bytes behind length (for reading straight into it); 0 or -ENOMEM. */
int buffer_reserve(struct buffer *buffer, size_t room);

/* Drops the first `length` bytes (at most all of them). */
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_clear(struct buffer *buffer);

/* Hands out the bytes as a string that the caller frees; the buffer is empty afterwards. NULL: no memory. */
char *buffer_take_text(struct buffer *buffer);
