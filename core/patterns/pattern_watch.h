#pragma once

/*
 * One reading of a stream with a pattern_set, fed in chunks of any size.
 *
 * The match is the one that is complete first, byte by byte; of those complete with the same byte the one
 * that begins first, then the one that stands first in the set. A pattern that looks ahead is complete once
 * no byte to come can change its match. So which pattern matches, and where it begins, does not depend on the
 * chunks; how far a greedy one reaches does: it takes what is there. A match spans PATTERN_SPAN_BYTES at
 * least; what would span more may be missed. Knows no loop; may be used in any one thread at a time, and
 * takes its time: not in the loop's.
 */

#include "core/base/error.h"
#include "core/patterns/pattern_set.h"

#include <stddef.h>
#include <stdint.h>

enum {
	PATTERN_SPAN_BYTES = 1024 * 1024,
	PATTERN_WORK_MS = 500, /* of processor time for 64 KiB; more: "pattern_too_slow" */
};

struct pattern_watch;

/* A part of the stream. Borrowed from the watch until the next feed. */
struct pattern_span {
	const char *bytes; /* NULL: the group has no part in the match */
	size_t length;
};

struct pattern_match {
	size_t pattern;     /* its place in the set */
	int64_t start, end; /* offsets in the stream; end: of the first byte behind it */
	struct pattern_span text;
	const struct pattern_span *groups; /* without the whole match */
	size_t group_count;
};

/* Where the reading begins. */
struct pattern_beginning {
	int64_t offset; /* of the first byte that will be fed */
	/* What stands before it (as much as pattern_set_lookbehind says, where there is so much): it is no
	 * part of a match, but looked back at. Without any the reading begins a line, and is where \A
	 * matches. */
	const void *before;
	size_t before_length;
};

/* Refers to the set. NULL: no memory. */
struct pattern_watch *pattern_watch_create(struct pattern_set *set, const struct pattern_beginning *beginning,
					   struct error *error);
void pattern_watch_destroy(struct pattern_watch *watch); /* takes NULL */

/* 1: a match, and the watch has served; 0: none yet; or a negative errno: -ETIME (code "pattern_too_slow"),
 * -ENOMEM. To go on behind a match: a new watch from its end. */
int pattern_watch_feed(struct pattern_watch *watch, const void *bytes, size_t length,
		       struct pattern_match *ret_match, struct error *error);

/* From here on so much processor time is spent on 64 KiB instead of PATTERN_WORK_MS. What ended with
 * "pattern_too_slow" may be fed again (the same bytes), or the end told again, with more. */
void pattern_watch_set_work(struct pattern_watch *watch, int work_ms);

/* No byte will follow: what only waited for the next one is decided. Likewise. */
int pattern_watch_end(struct pattern_watch *watch, struct pattern_match *ret_match, struct error *error);
