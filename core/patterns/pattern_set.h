#pragma once

/*
 * Regular expressions (PCRE2, on bytes) that are looked for side by side in a stream.
 *
 * `^` and `$` mean lines, which end with \n, \r\n or \r; `\A` is the beginning of the stream, `\z` its end.
 * What can match without taking a byte is refused, and so is what only means something within one buffer: \G,
 * (*COMMIT), (*SKIP).
 */

#include "core/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { PATTERN_REGEX_BYTES = 4096, PATTERN_GROUPS_MOST = 64 };

struct pattern_set;

struct pattern_set *pattern_set_create(struct error *error);  /* empty; NULL: no memory */
struct pattern_set *pattern_set_ref(struct pattern_set *set); /* not from several threads at once */
void pattern_set_unref(struct pattern_set *set);              /* takes NULL */

/* Puts it behind those that are there; only before the set is used. Takes its time: a hostile one up to a
 * tenth of a second. 0, or a negative errno with code "invalid_pattern" (PCRE2's words, and where); then the
 * set is as before. */
int pattern_set_add(struct pattern_set *set, const char *regex, size_t length, struct error *error);

size_t pattern_set_count(const struct pattern_set *set);
/* As many bytes before the first one that is fed may decide: lookbehind, the line's beginning, \b. */
size_t pattern_set_lookbehind(const struct pattern_set *set);
/* Of a pattern's group, counted from 0; NULL: it has none. Borrowed. */
const char *pattern_set_group_name(const struct pattern_set *set, size_t pattern, size_t group);
