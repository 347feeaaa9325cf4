#include "server/http/multipart.h"

#include "core/base/buffer.h"
#include "core/base/text.h"
#include "server/http/field.h"

#include <string.h>
#include <strings.h>

enum state {
	STATE_PREAMBLE, /* before the first boundary: passed over */
	STATE_BOUNDARY, /* right behind a boundary: "--" or the end of its line */
	STATE_HEAD,     /* a part's header lines */
	STATE_CONTENT,  /* a part's bytes */
	STATE_EPILOGUE, /* behind the closing boundary: passed over */
};

enum { BOUNDARY_MAX = 70, FEED_BYTES = 16 * 1024, NAME_BYTES = 512 };

struct multipart {
	enum state state;
	char delimiter[BOUNDARY_MAX + 8]; /* CR LF -- boundary */
	size_t delimiter_length;
	struct buffer pending; /* not yet understood; bounded by FEED_BYTES and the longest head */
	unsigned parts;
	const struct multipart_events *events;
	void *data;
};

static int malformed(struct error *error, const char *what)
{
	return error_set(error, -EINVAL, "invalid_request", "the multipart body is malformed: %s", what);
}

struct multipart *multipart_create(const char *content_type, const struct multipart_events *events,
				   void *data, struct error *error)
{
	char boundary[BOUNDARY_MAX + 1];
	if (!field_is_media_type(content_type, "multipart/form-data") ||
	    !field_parameter(content_type, "boundary", boundary, sizeof(boundary)) || !boundary[0]) {
		error_set(error, -EINVAL, "unsupported_media_type",
			  "Content-Type must be multipart/form-data with a boundary of at most %d characters",
			  BOUNDARY_MAX);
		return NULL;
	}
	struct multipart *multipart = calloc(1, sizeof(*multipart));
	/* The first boundary has no line before it to end: give it one. */
	if (!multipart || buffer_append_text(&multipart->pending, "\r\n") < 0) {
		free(multipart);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	memcpy(multipart->delimiter, "\r\n--", 4);
	memcpy(multipart->delimiter + 4, boundary, strlen(boundary) + 1);
	multipart->delimiter_length = strlen(boundary) + 4;
	multipart->events = events;
	multipart->data = data;
	return multipart;
}

void multipart_destroy(struct multipart *multipart)
{
	if (!multipart)
		return;
	buffer_finish(&multipart->pending);
	free(multipart);
}

/* ---- a part's head ---- */

/* One header line, NUL-terminated. */
static int take_header(char *line, char *disposition, size_t disposition_size, char *type, size_t type_size,
		       struct error *error)
{
	char *colon = strchr(line, ':');
	if (!colon || !text_is_utf8(line, strlen(line)))
		return malformed(error, "a part's header line is not \"name: value\" in UTF-8");
	*colon = '\0';
	const char *value = colon + 1 + strspn(colon + 1, " \t");
	char *out = strcasecmp(line, "Content-Disposition") == 0 ? disposition
		    : strcasecmp(line, "Content-Type") == 0      ? type
								 : NULL;
	size_t out_size = out == disposition ? disposition_size : type_size;
	if (!out)
		return 0;
	if (strlen(value) >= out_size)
		return malformed(error, "a part's header is too long");
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

static int begin_part(struct multipart *multipart, char *head, struct error *error)
{
	char disposition[2 * NAME_BYTES] = "";
	char type[NAME_BYTES] = "";
	char name[NAME_BYTES], filename[NAME_BYTES];
	while (*head) {
		char *end = strstr(head, "\r\n");
		if (end)
			*end = '\0';
		char *next = end ? end + 2 : head + strlen(head);
		int result = take_header(head, disposition, sizeof(disposition), type, sizeof(type), error);
		if (result < 0)
			return result;
		head = next;
	}
	if (!field_is_media_type(disposition, "form-data") ||
	    !field_parameter(disposition, "name", name, sizeof(name)))
		return malformed(error, "a part has no Content-Disposition: form-data with a name");
	if (++multipart->parts > MULTIPART_PARTS_MAX)
		return malformed(error, "it has too many parts");
	struct multipart_part part = {.name = name, .content_type = type[0] ? type : NULL};
	if (field_parameter(disposition, "filename", filename, sizeof(filename)))
		part.filename = filename;
	return multipart->events->on_part(&part, error, multipart->data);
}

/* ---- states: each returns 1 when it took a step, 0 when it needs more, or a negative errno ---- */

static int step_boundary(struct multipart *multipart, struct error *error)
{
	struct buffer *pending = &multipart->pending;
	size_t blanks = 0;
	while (blanks < pending->length && (pending->data[blanks] == ' ' || pending->data[blanks] == '\t'))
		blanks++;
	if (blanks > BOUNDARY_MAX)
		return malformed(error, "a boundary's line does not end");
	if (pending->length < blanks + 2)
		return 0;
	if (blanks == 0 && memcmp(pending->data, "--", 2) == 0)
		multipart->state = STATE_EPILOGUE;
	else if (memcmp(pending->data + blanks, "\r\n", 2) == 0)
		multipart->state = STATE_HEAD;
	else
		return malformed(error, "a boundary is followed by something else than the end of its line");
	buffer_consume(pending, blanks + 2);
	return 1;
}

static int step_head(struct multipart *multipart, struct error *error)
{
	struct buffer *pending = &multipart->pending;
	if (pending->length >= 2 && memcmp(pending->data, "\r\n", 2) == 0)
		return malformed(error, "a part has no header lines");
	char *end = pending->length ? memmem(pending->data, pending->length, "\r\n\r\n", 4) : NULL;
	size_t length = end ? (size_t) (end - pending->data) : pending->length;
	if (length > MULTIPART_HEAD_BYTES)
		return malformed(error, "a part's header lines are too long");
	if (!end)
		return 0;
	*end = '\0';
	if (strlen(pending->data) != length)
		return malformed(error, "a part's header lines have a NUL");
	int result = begin_part(multipart, pending->data, error);
	if (result < 0)
		return result;
	buffer_consume(pending, length + 4);
	multipart->state = STATE_CONTENT;
	return 1;
}

/* Content (or preamble) up to the next delimiter; what may be a delimiter's beginning is kept. */
static int step_content(struct multipart *multipart, struct error *error)
{
	struct buffer *pending = &multipart->pending;
	bool is_part = multipart->state == STATE_CONTENT;
	size_t keep = multipart->delimiter_length - 1;
	char *end = pending->length ? memmem(pending->data, pending->length, multipart->delimiter,
					     multipart->delimiter_length)
				    : NULL;
	size_t length = end                      ? (size_t) (end - pending->data)
			: pending->length > keep ? pending->length - keep
						 : 0;
	int result = 0;
	if (is_part && length)
		result = multipart->events->on_bytes(pending->data, length, error, multipart->data);
	if (result == 0 && is_part && end)
		result = multipart->events->on_part_end(error, multipart->data);
	if (result < 0)
		return result;
	buffer_consume(pending, length + (end ? multipart->delimiter_length : 0));
	if (!end)
		return 0;
	multipart->state = STATE_BOUNDARY;
	return 1;
}

static int step(struct multipart *multipart, struct error *error)
{
	switch (multipart->state) {
	case STATE_BOUNDARY:
		return step_boundary(multipart, error);
	case STATE_HEAD:
		return step_head(multipart, error);
	case STATE_PREAMBLE:
	case STATE_CONTENT:
		return step_content(multipart, error);
	case STATE_EPILOGUE:
		break;
	}
	buffer_clear(&multipart->pending);
	return 0;
}

int multipart_feed(struct multipart *multipart, const char *bytes, size_t length, struct error *error)
{
	while (length) {
		size_t count = length < FEED_BYTES ? length : FEED_BYTES;
		if (buffer_append(&multipart->pending, bytes, count) < 0)
			return error_set(error, -ENOMEM, NULL, "no memory");
		bytes += count;
		length -= count;
		int result;
		while ((result = step(multipart, error)) > 0)
			;
		if (result < 0)
			return result;
	}
	return 0;
}

int multipart_finish(struct multipart *multipart, struct error *error)
{
	if (multipart->state == STATE_EPILOGUE)
		return 0;
	return malformed(error, "it ends before its closing boundary");
}
