#pragma once

/*
 * Where values stand in their file: a tree beside the document's own and of the same shape. The mark of a
 * scalar is its line, of anything else [line, children] with an object or an array of marks. A member of a
 * map bears the line of its key. All readers take NULL: the mark of a value that is not there.
 */

#include <jansson.h>

/* New reference, NULL without memory. Takes children over; NULL: a scalar. */
json_t *mark_create(size_t line, json_t *children);

/* The same marks as seen from another line: an alias at its key. New reference. */
json_t *mark_at_line(json_t *mark, size_t line);

int mark_line(const json_t *mark); /* 0: unknown */
const json_t *mark_member(const json_t *mark, const char *key);
const json_t *mark_item(const json_t *mark, size_t index);
