#include "core/channels/http_guard.h"

#include <string.h>

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
