#pragma once

/* Tells a hostile page's HTTP request from a debugger's or a monitor user's bytes, and, where the emulator
 * itself speaks HTTP, from those of a program. */

#include <stddef.h>
#include <sys/types.h>

enum http_guard { HTTP_GUARD_UNDECIDED, HTTP_GUARD_HTTP, HTTP_GUARD_OTHER };

/* Judges the first bytes of a connection. Undecided: more bytes are needed (at most eight). */
enum http_guard http_guard_judge(const char *bytes, size_t length);

/*
 * Looks at the requests of one connection, one after the other: what is no HTTP, has another method than
 * POST, or a header that browsers put on what pages send (Origin, Sec-Fetch-...), is refused. A browser's
 * POST always has an Origin.
 */
struct http_guard_watch;

struct http_guard_watch *http_guard_watch_create(void); /* NULL: no memory */
void http_guard_watch_destroy(struct http_guard_watch *watch);

/* Takes the next bytes. Returns how many of those that were held back so far, and of these, may go on now: a
 * request's headers go on when the last of them is seen. -1: refused. */
ssize_t http_guard_watch_feed(struct http_guard_watch *watch, const char *bytes, size_t length);
