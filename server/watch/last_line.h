#pragma once

/* What a console shows last, from the end of its output: one line of plain text. Knows no loop. */

#include <stddef.h>

enum { LAST_LINE_CHARACTERS = 200, LAST_LINE_READ_BYTES = 4096 };

/*
 * The newest line that has anything visible in it, as a terminal would leave it: without control characters
 * and escape sequences, well-formed UTF-8 (what is none is U+FFFD), a tab is a space, and what stands before
 * a carriage return has been written over. Of at most LAST_LINE_CHARACTERS characters. "" where there is
 * none. The bytes may begin in the middle of anything. Caller frees; NULL: no memory.
 */
char *last_line_find(const char *bytes, size_t length);
