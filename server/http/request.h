#pragma once

/*
 * One HTTP request and its one reply.
 *
 * A handler gets the request and must see to exactly one reply: at once, or later from the loop. Until it
 * has replied the request stays valid; after a reply_* call the handler must not touch it. When the client
 * goes away first, on_gone fires (once): from then on the request is invalid, no reply may be made.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct shared_text;
struct websocket;

const char *request_method(const struct request *request);
const char *request_path(const struct request *request); /* decoded, without /v1 */
const char *request_parameter(const struct request *request,
			      const char *name); /* "{id}" decoded; never NULL for a name of the pattern */
const char *request_query(const struct request *request, const char *name); /* decoded UTF-8; NULL: absent */
/* The values of a parameter that may be given more than once, in turn: *index is 0 at first. NULL: no more.
 */
const char *request_query_next(const struct request *request, const char *name, size_t *index);
const char *request_header(const struct request *request, const char *name); /* NULL: absent */
const json_t *request_json(const struct request *request); /* BODY_JSON*; borrowed; NULL: none */
const char *request_body(const struct request *request, size_t *ret_length); /* BODY_BYTES; borrowed */
bool request_has_flag(const struct request *request, unsigned route_flag);
void request_set_actor(struct request *request, const char *actor); /* by the gate; copied */
/* Who asks: what the gate has set, else the peer's address, "127.0.0.1". */
const char *request_actor(const struct request *request);
struct loop *request_loop(const struct request *request);

/* Query parameters by type. 0 with *ret_value untouched where absent; a value that does not fit is a
 * negative errno with code "invalid_parameter" naming the parameter. */
int request_query_boolean(const struct request *request, const char *name, bool *ret_value,
			  struct error *error);
int request_query_integer(const struct request *request, const char *name, int64_t minimum, int64_t maximum,
			  int64_t *ret_value, struct error *error);
int request_query_seconds(const struct request *request, const char *name, double maximum, double *ret_value,
			  struct error *error);

/* The client went away before the reply (or in the middle of a streamed one). */
void request_on_gone(struct request *request, void (*on_gone)(void *data), void *data);

/* BODY_STREAM: where the body's bytes go. on_chunk returns 0 or a negative errno with error set (the rest
 * of the body is swallowed, then the problem is answered). on_end: the body is whole; reply now or later. */
struct body_sink {
	int (*on_chunk)(const char *bytes, size_t length, struct error *error, void *data);
	void (*on_end)(void *data);
	/* The client vanished before the end, or on_chunk failed (the reply is then made by the server): let
	 * go. */
	void (*on_abort)(void *data);
};
void request_set_body_sink(struct request *request, const struct body_sink *sink, void *data);

/* ---- replies ---- */

/* Added to the reply to come; the name must be lower-risk ASCII; value copied; CR and LF are refused. */
void reply_header(struct request *request, const char *name, const char *value);
void reply_header_format(struct request *request, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Steals json. With an ETag and gzip as the request accepts for GET. */
void reply_json(struct request *request, unsigned status, json_t *json);
/* The same for JSON that is text already, which gets one reference more: what is asked for often need not be
 * written each time. NULL: there was no memory for it. */
void reply_json_text(struct request *request, unsigned status, struct shared_text *text);
void reply_empty(struct request *request, unsigned status);
/* Copies bytes. */
void reply_bytes(struct request *request, unsigned status, const char *content_type, const void *bytes,
		 size_t length);
/* length bytes of an open file from offset (fd taken). */
void reply_file(struct request *request, unsigned status, const char *content_type, int fd, int64_t offset,
		int64_t length);

/* problem+json. code is a row of problem.c, which gives status and title. */
void reply_problem(struct request *request, const char *code, const char *detail_format, ...)
    __attribute__((format(printf, 3, 4)));
/* The problem of an error on its way up (code "internal_error" where it bears none). */
void reply_error(struct request *request, const struct error *error);
/* The same with members of its own beside those that every problem has (stolen; may be NULL). */
void reply_problem_with(struct request *request, const struct error *error, json_t *members);
/* The same with "errors": [{"pointer","detail"}] (stolen; NULL or empty: none). */
void reply_problem_list(struct request *request, const char *code, const char *detail, json_t *errors);

/* A reply whose body comes as it grows (chunked). */
struct reply_stream;
struct reply_stream_source {
	/* Mandatory. Fills out with up to size bytes. Returns the count, 0 when nothing is there yet (the
	 * stream sleeps until reply_stream_wake), -ENODATA at the end, another negative errno to break the
	 * connection. */
	ssize_t (*read)(void *out, size_t size, void *data);
	/* Mandatory. The stream is over (sent whole, broken, or the client went): let go of data. */
	void (*on_closed)(void *data);
};
struct reply_stream *reply_stream(struct request *request, unsigned status, const char *content_type,
				  const struct reply_stream_source *source, void *data);
void reply_stream_wake(struct reply_stream *stream); /* cheap to call twice */
/* How long a client may take nothing of what is there for it (15 minutes unless said). Before the end of the
 * handler. */
void reply_stream_set_patience(struct reply_stream *stream, unsigned seconds);
