#pragma once

/* Tells a hostile page's HTTP request from a debugger's or a monitor user's bytes. */

#include <stddef.h>

enum http_guard { HTTP_GUARD_UNDECIDED, HTTP_GUARD_HTTP, HTTP_GUARD_OTHER };

/* Judges the first bytes of a connection. Undecided: more bytes are needed (at most eight). */
enum http_guard http_guard_judge(const char *bytes, size_t length);
