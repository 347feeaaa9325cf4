#include "tests/bench/http_client.h"

#include "tests/bench/measure.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void http_connect(struct http *http, int port)
{
	http->used = 0;
	http->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t) port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (http->fd < 0 || connect(http->fd, (struct sockaddr *) &address, sizeof(address)))
		fail("connect to port %d: %m", port);
	int on = 1;
	setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void http_close(struct http *http)
{
	close(http->fd);
}

static void send_request(struct http *http, const char *method, const char *path, const char *body)
{
	char request[16384];
	int size = snprintf(request, sizeof(request),
			    "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\n\r\n%s",
			    method, path, body ? strlen(body) : 0, body ? body : "");
	if (size >= (int) sizeof(request) || write(http->fd, request, (size_t) size) != size)
		fail("%s %s: %m", method, path);
}

static void receive(struct http *http)
{
	if (http->used == sizeof(http->buffer) - 1)
		fail("the server's answer is larger than this client takes");
	ssize_t got = read(http->fd, http->buffer + http->used, sizeof(http->buffer) - 1 - http->used);
	if (got <= 0)
		fail("the server closed the connection");
	http->used += (size_t) got;
	http->buffer[http->used] = '\0';
}

static void consume(struct http *http, size_t size)
{
	http->used -= size;
	memmove(http->buffer, http->buffer + size, http->used + 1);
}

/* Reads one head: returns its size. */
static size_t receive_head(struct http *http)
{
	http->buffer[http->used] = '\0';
	char *end;
	while (!(end = strstr(http->buffer, "\r\n\r\n")))
		receive(http);
	return (size_t) (end - http->buffer) + 4;
}

static size_t content_length(const char *head, size_t size)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");
	return field && field < head + size ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

int http_call(struct http *http, const char *method, const char *path, const char *body, char **ret_headers,
	      char **ret_body)
{
	send_request(http, method, path, body);
	size_t head = receive_head(http);
	size_t length = content_length(http->buffer, head);
	while (http->used < head + length)
		receive(http);
	int status = atoi(http->buffer + strlen("HTTP/1.1 "));
	if (ret_headers)
		*ret_headers = strndup(http->buffer, head);
	if (ret_body)
		*ret_body = strndup(http->buffer + head, length);
	consume(http, head + length);
	return status;
}

/* The body up to its last chunk, which nothing follows. */
static size_t receive_chunks(struct http *http, size_t head)
{
	static const char last[] = "\r\n0\r\n\r\n";
	const size_t size = sizeof(last) - 1;
	/* The head's own line end stands before a body that has no other chunk. */
	while (http->used < head - 2 + size || memcmp(http->buffer + http->used - size, last, size) != 0)
		receive(http);
	return http->used;
}

int http_put(struct http *http, const char *path, const void *body, size_t size, char **ret_headers)
{
	char request[1024];
	int length =
	    snprintf(request, sizeof(request),
		     "PUT %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n", path, size);
	struct iovec parts[] = {{request, (size_t) length}, {(void *) body, size}};
	if (writev(http->fd, parts, 2) != (ssize_t) size + length)
		fail("PUT %s: %m", path);
	size_t head = receive_head(http);
	int status = atoi(http->buffer + strlen("HTTP/1.1 "));
	*ret_headers = strndup(http->buffer, head);
	size_t end = head + content_length(http->buffer, head);
	if (strcasestr(*ret_headers, "\r\nTransfer-Encoding: chunked"))
		end = receive_chunks(http, head);
	while (http->used < end)
		receive(http);
	consume(http, end);
	return status;
}

int http_open(struct http *http, const char *path)
{
	send_request(http, "GET", path, NULL);
	size_t head = receive_head(http);
	int status = atoi(http->buffer + strlen("HTTP/1.1 "));
	consume(http, head);
	return status;
}

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END };

/* One byte of a chunk's frame. */
static void read_frame(struct http_stream *stream, char byte)
{
	if (byte == '\n') {
		if (stream->state != CHUNK_END) {
			stream->left = stream->size;
			stream->state = CHUNK_DATA;
		} else {
			stream->state = CHUNK_SIZE;
		}
		stream->size = 0;
	} else if (stream->state == CHUNK_SIZE) {
		if (byte >= '0' && byte <= '9')
			stream->size = stream->size * 16 + (size_t) (byte - '0');
		else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
			stream->size = stream->size * 16 + (size_t) ((byte | 0x20) - 'a' + 10);
		else
			stream->state = CHUNK_EXTENSION;
	}
}

size_t http_stream_count(struct http_stream *stream, const char *data, size_t size)
{
	size_t payload = 0;
	for (size_t i = 0; i < size;) {
		if (stream->state != CHUNK_DATA) {
			read_frame(stream, data[i++]);
			continue;
		}
		size_t taken = size - i < stream->left ? size - i : stream->left;
		payload += taken;
		i += taken;
		stream->left -= taken;
		if (!stream->left)
			stream->state = CHUNK_END;
	}
	return payload;
}
