#pragma once

/*
 * Cuts a stream into lines: they end in \n, \r\n or \r alone. Colours and other escape sequences are left
 * out, and of a line's first LINE_BYTES is all that is told. What is told does not depend on how the stream
 * is cut into chunks.
 */

#include "core/base/buffer.h"
#include "core/cases/span.h"

enum { LINE_BYTES = 16 * 1024 };

/* Zero-initialised but for on_line and data, which every line goes to: 0 or a negative errno, which ends the
 * feeding. */
struct line_reader {
	int (*on_line)(struct span line, void *data);
	void *data;
	struct buffer begun;  /* of a line whose end has not come */
	struct buffer plain;  /* room for a line without its escape sequences */
	bool is_begun;        /* even if it is empty so far */
	bool is_after_return; /* a \n now belongs to the \r before it */
};

void line_reader_finish(struct line_reader *reader);

/* 0, -ENOMEM, or what on_line returned. */
int line_reader_feed(struct line_reader *reader, const char *bytes, size_t length);
int line_reader_end(struct line_reader *reader); /* a line without an end is told, too */
