#include "core/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

void buffer_finish(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t room)
{
	if (room >= SIZE_MAX / 4 - buffer->length)
		return -ENOMEM;
	size_t needed = buffer->length + room + 1;
	if (needed <= buffer->capacity)
		return 0;
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	while (capacity < needed)
		capacity *= 2;
	char *data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	data[buffer->length] = '\0';
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	if (buffer_reserve(buffer, length) < 0)
		return -ENOMEM;
	if (length)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

int buffer_append_format(struct buffer *buffer, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return buffer_append(buffer, text, (size_t) length);
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	if (length >= buffer->length) {
		buffer_clear(buffer);
		return;
	}
	memmove(buffer->data, buffer->data + length, buffer->length - length + 1);
	buffer->length -= length;
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

char *buffer_take_text(struct buffer *buffer)
{
	if (buffer_reserve(buffer, 0) < 0)
		return NULL;
	char *text = buffer->data;
	*buffer = (struct buffer){0};
	return text;
}
