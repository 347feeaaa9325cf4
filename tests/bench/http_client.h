#pragma once

/* As little HTTP as it takes to measure a server: one kept-alive connection on localhost, no delay. */

#include <stdbool.h>
#include <stddef.h>

struct http {
	int fd;
	size_t used; /* bytes in buffer that are not consumed yet */
	char buffer[65536];
};

/* Both end the program when the server does not answer. */
void http_connect(struct http *http, int port);
void http_close(struct http *http);

/* Sends a request (body may be NULL) and returns the status. *ret_headers and *ret_body, where not NULL, are
 * NUL-terminated copies for the caller to free. */
int http_call(struct http *http, const char *method, const char *path, const char *body, char **ret_headers,
	      char **ret_body);

/* PUT of any bytes, whose answer may come in chunks and is read whole; returns the status. *ret_headers: a
 * copy for the caller to free. */
int http_put(struct http *http, const char *path, const void *body, size_t size, char **ret_headers);

/* Sends a GET and returns the status once the headers are there. The body then comes as it comes. */
int http_open(struct http *http, const char *path);

/* A body that comes in chunks. */
struct http_stream {
	size_t left; /* payload bytes of this chunk still to come */
	size_t size; /* of the chunk whose head is being read */
	int state;
};

/* How many of these bytes of the connection are payload. */
size_t http_stream_count(struct http_stream *stream, const char *data, size_t size);
