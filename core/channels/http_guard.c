#include "core/channels/http_guard.h"

#include <http_parser.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a browser can be made to send at the start of a connection, HTTP/2's preface included. */
static const char *const openings[] = {
    "GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "DELETE ", "PATCH ", "TRACE ", "CONNECT ", "PRI ",
};

enum http_guard http_guard_judge(const char *bytes, size_t length)
{
	enum http_guard verdict = HTTP_GUARD_OTHER;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		size_t opening_length = strlen(openings[i]);
		size_t common = length < opening_length ? length : opening_length;
		if (memcmp(bytes, openings[i], common) != 0)
			continue;
		if (common == opening_length)
			return HTTP_GUARD_HTTP;
		verdict = HTTP_GUARD_UNDECIDED;
	}
	return verdict;
}

/* ---- an emulator that speaks HTTP ---- */

enum { NAME_BYTES = 16 }; /* as much of a header's name as tells it */

struct http_guard_watch {
	struct http_parser parser;
	size_t held;
	bool in_body, complete, refused;
	bool in_name; /* of a header */
	char name[NAME_BYTES];
	size_t name_length;
};

static void judge_name(struct http_guard_watch *watch)
{
	static const char *const prefixes[] = {"origin", "sec-fetch-"};
	watch->name[watch->name_length] = '\0';
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncasecmp(watch->name, prefixes[i], strlen(prefixes[i])) == 0)
			watch->refused = true;
	watch->name_length = 0;
}

static int on_name(http_parser *parser, const char *bytes, size_t length)
{
	struct http_guard_watch *watch = parser->data;
	watch->in_name = true;
	for (size_t i = 0; i < length && watch->name_length < NAME_BYTES - 1; i++)
		watch->name[watch->name_length++] = bytes[i];
	return 0;
}

/* Called for a value without a byte, too. */
static int on_value(http_parser *parser, const char *bytes, size_t length)
{
	struct http_guard_watch *watch = parser->data;
	(void) bytes;
	(void) length;
	if (watch->in_name)
		judge_name(watch);
	watch->in_name = false;
	return 0;
}

static int on_headers(http_parser *parser)
{
	struct http_guard_watch *watch = parser->data;
	if (parser->method != HTTP_POST || parser->upgrade)
		watch->refused = true;
	watch->in_body = true;
	return 0;
}

static int on_complete(http_parser *parser)
{
	struct http_guard_watch *watch = parser->data;
	watch->in_body = false;
	watch->complete = true;
	return 0;
}

static const http_parser_settings watch_settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_message_complete = on_complete,
};

struct http_guard_watch *http_guard_watch_create(void)
{
	struct http_guard_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	http_parser_init(&watch->parser, HTTP_REQUEST);
	watch->parser.data = watch;
	return watch;
}

void http_guard_watch_destroy(struct http_guard_watch *watch)
{
	free(watch);
}

/* A byte at a time: the parser does not say where in a run of them a request's headers ended. */
ssize_t http_guard_watch_feed(struct http_guard_watch *watch, const char *bytes, size_t length)
{
	size_t passing = 0;
	for (size_t i = 0; i < length; i++) {
		bool belongs_to_body = watch->in_body;
		watch->complete = false;
		if (http_parser_execute(&watch->parser, &watch_settings, bytes + i, 1) != 1 ||
		    HTTP_PARSER_ERRNO(&watch->parser) != HPE_OK || watch->refused)
			return -1;
		watch->held++;
		if (!belongs_to_body && !watch->in_body && !watch->complete)
			continue;
		passing += watch->held;
		watch->held = 0;
	}
	return (ssize_t) passing;
}
