#include "core/patterns/pattern_watch.h"

#include "core/base/buffer.h"
#include "core/patterns/pattern_search.h"

#include <stdlib.h>

/* What lies too far back is forgotten when so many bytes of the stream are full, wherever chunks end. */
enum { BLOCK_BYTES = 64 * 1024 };

struct pattern_watch {
	struct pattern_set *set;
	struct pattern_search search;
	struct buffer seen; /* from `offset` on: what undecided matches and lookbehinds need */
	int64_t offset;
	size_t taken;      /* bytes of the chunk that were looked at before another took too long */
	size_t to_block;   /* bytes until the block is full */
	size_t *undecided; /* per pattern: a match may begin there or later, nowhere before */
	struct pattern_span groups[PATTERN_GROUPS_MOST];
};

/* A match in `seen`. */
struct finding {
	size_t pattern;
	struct pattern_place place;
	size_t complete; /* how many bytes of `seen` it took until it was; SIZE_MAX: there is none */
};

static struct pattern_text_range range_of(const struct pattern_watch *watch, size_t pattern, size_t length,
					  bool goes_on)
{
	return (struct pattern_text_range){.bytes = watch->seen.data,
					   .length = length,
					   .from = watch->undecided[pattern],
					   .goes_on = goes_on};
}

/* ---- the choice ---- */

/* Of a pattern that is found in `length` bytes and not in `before`: with how many of them it first was. */
static int find_completion(struct pattern_watch *watch, size_t before, size_t length, struct finding *finding,
			   struct error *error)
{
	const struct pattern *pattern = &watch->set->patterns[finding->pattern];
	size_t low = before + 1, high = length;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct pattern_place place;
		const struct pattern_text_range range = range_of(watch, finding->pattern, middle, true);
		int result = pattern_search_find(&watch->search, pattern, &range, &place, NULL, error);
		if (result < 0)
			return result;
		if (result)
			finding->place = place;
		if (result)
			high = middle;
		else
			low = middle + 1;
	}
	finding->complete = high;
	return 1;
}

static bool is_before(const struct finding *one, const struct finding *other)
{
	if (one->complete != other->complete)
		return one->complete < other->complete;
	return one->place.begun < other->place.begun;
}

static struct pattern_span span(const struct pattern_watch *watch, size_t start, size_t end)
{
	return (struct pattern_span){.bytes = watch->seen.data + start, .length = end - start};
}

/* Takes the match at its place, as far as it reaches in all that is there, with its groups. */
static int take(struct pattern_watch *watch, const struct finding *finding, bool goes_on,
		struct pattern_match *ret_match, struct error *error)
{
	const struct pattern *pattern = &watch->set->patterns[finding->pattern];
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(watch->search.data);
	struct pattern_text_range range = range_of(watch, finding->pattern, watch->seen.length, goes_on);
	struct pattern_place place;
	range.from = finding->place.begun;
	int result = pattern_search_at(&watch->search, pattern, &range, &place, error);
	/* Should more bytes have changed it after all, it stands as it was complete. */
	range.length = finding->complete;
	if (result == 0)
		result = pattern_search_at(&watch->search, pattern, &range, &place, error);
	if (result <= 0)
		return result;
	for (size_t i = 0; i < pattern->groups; i++) {
		size_t start = ends[2 * i + 2], end = ends[2 * i + 3];
		const struct pattern_span unset = {0};
		watch->groups[i] = start == PCRE2_UNSET ? unset : span(watch, start, end);
	}
	*ret_match = (struct pattern_match){.pattern = finding->pattern,
					    .start = watch->offset + (int64_t) place.start,
					    .end = watch->offset + (int64_t) place.end,
					    .text = span(watch, place.start, place.end),
					    .groups = watch->groups,
					    .group_count = pattern->groups};
	return 1;
}

/* ---- feeding ---- */

static void skip_too_old(struct pattern_watch *watch)
{
	for (size_t i = 0; i < watch->set->count; i++)
		if (watch->seen.length > PATTERN_SPAN_BYTES &&
		    watch->undecided[i] < watch->seen.length - PATTERN_SPAN_BYTES)
			watch->undecided[i] = watch->seen.length - PATTERN_SPAN_BYTES;
}

/* Lets go of what no match can need any more. */
static void forget(struct pattern_watch *watch)
{
	size_t needed = watch->seen.length, behind = pattern_set_lookbehind(watch->set);
	for (size_t i = 0; i < watch->set->count; i++)
		if (watch->undecided[i] < needed)
			needed = watch->undecided[i];
	if (needed <= behind)
		return;
	needed -= behind;
	buffer_consume(&watch->seen, needed);
	watch->offset += (int64_t) needed;
	for (size_t i = 0; i < watch->set->count; i++)
		watch->undecided[i] -= needed;
}

/* Looks at what was put behind the first `before` bytes of `seen`. */
static int look(struct pattern_watch *watch, size_t before, struct finding *best, struct error *error)
{
	for (size_t i = 0; i < watch->set->count; i++) {
		struct finding finding = {.pattern = i};
		/* Of no interest where another is complete before that. */
		size_t most = best->complete < watch->seen.length ? best->complete : watch->seen.length;
		const struct pattern_text_range range = range_of(watch, i, most, true);
		int result = pattern_search_find(&watch->search, &watch->set->patterns[i], &range,
						 &finding.place, &watch->undecided[i], error);
		if (result > 0)
			result = find_completion(watch, before, most, &finding, error);
		if (result < 0)
			return result;
		if (result && is_before(&finding, best))
			*best = finding;
	}
	return best->complete != SIZE_MAX;
}

static int feed_within_block(struct pattern_watch *watch, const char *bytes, size_t length,
			     struct pattern_match *ret_match, struct error *error)
{
	size_t before = watch->seen.length;
	struct finding best = {.complete = SIZE_MAX};
	if (buffer_append(&watch->seen, bytes, length) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	pattern_search_begin(&watch->search);
	int result = look(watch, before, &best, error);
	if (result > 0)
		result = take(watch, &best, true, ret_match, error);
	/* What is known of the bytes holds when they are fed again. */
	if (result < 0)
		watch->seen.length = before;
	if (result)
		return result;
	watch->to_block -= length;
	if (watch->to_block == 0) {
		watch->to_block = BLOCK_BYTES;
		skip_too_old(watch);
	}
	forget(watch);
	return 0;
}

int pattern_watch_feed(struct pattern_watch *watch, const void *bytes, size_t length,
		       struct pattern_match *ret_match, struct error *error)
{
	int result = 0;
	while (!result && watch->taken < length) {
		size_t left = length - watch->taken;
		size_t part = left < watch->to_block ? left : watch->to_block;
		result =
		    feed_within_block(watch, (const char *) bytes + watch->taken, part, ret_match, error);
		if (!result)
			watch->taken += part;
	}
	if (!result)
		watch->taken = 0;
	return result;
}

void pattern_watch_set_work(struct pattern_watch *watch, int work_ms)
{
	watch->search.work_ms = work_ms;
}

int pattern_watch_end(struct pattern_watch *watch, struct pattern_match *ret_match, struct error *error)
{
	struct finding best = {.complete = SIZE_MAX};
	pattern_search_begin(&watch->search);
	for (size_t i = 0; i < watch->set->count; i++) {
		struct finding finding = {.pattern = i, .complete = watch->seen.length};
		const struct pattern_text_range range = range_of(watch, i, watch->seen.length, false);
		int result = pattern_search_find(&watch->search, &watch->set->patterns[i], &range,
						 &finding.place, NULL, error);
		if (result < 0)
			return result;
		if (result && is_before(&finding, &best))
			best = finding;
	}
	return best.complete == SIZE_MAX ? 0 : take(watch, &best, false, ret_match, error);
}

/* ---- coming and going ---- */

static int init(struct pattern_watch *watch, const struct pattern_beginning *beginning)
{
	size_t count = watch->set->count;
	watch->offset = beginning->offset - (int64_t) beginning->before_length;
	watch->to_block = BLOCK_BYTES;
	watch->undecided = calloc(count ? count : 1, sizeof(*watch->undecided));
	/* Room, so that the address of nothing at all is none of NULL's. */
	if (!watch->undecided || buffer_reserve(&watch->seen, 1) < 0 ||
	    buffer_append(&watch->seen, beginning->before, beginning->before_length) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		watch->undecided[i] = beginning->before_length;
	return pattern_search_init(&watch->search);
}

struct pattern_watch *pattern_watch_create(struct pattern_set *set, const struct pattern_beginning *beginning,
					   struct error *error)
{
	struct pattern_watch *watch = calloc(1, sizeof(*watch));
	if (watch)
		watch->set = pattern_set_ref(set);
	if (watch && init(watch, beginning) == 0)
		return watch;
	pattern_watch_destroy(watch);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void pattern_watch_destroy(struct pattern_watch *watch)
{
	if (!watch)
		return;
	pattern_set_unref(watch->set);
	pattern_search_finish(&watch->search);
	buffer_finish(&watch->seen);
	free(watch->undecided);
	free(watch);
}
