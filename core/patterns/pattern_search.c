#include "core/patterns/pattern_search.h"

#include "core/patterns/pattern_watch.h"

enum {
	/* Places tried between two looks at the clock, and the steps back within the attempt at one of them.
	 * What needs more steps is tried again in narrower slices, and what needs more yet by itself. That
	 * counts as so many places, as it may go through all that is there. */
	WIDE_PLACES = 16 * 1024,
	WIDE_STEPS = 1250,
	SLICE_PLACES = 1024,
	SINGLE_PLACES = 64,
	SLICE_STEPS = 20 * 1000,
	/* A place that needs more is tried by itself; exponential patterns end here. */
	PLACE_STEPS = 8 * 1000 * 1000,
	HEAP_LIMIT_KIB = 32 * 1024,
	JIT_STACK_LEAST = 32 * 1024,
	JIT_STACK_MOST = 4 * 1024 * 1024,
};

/* ---- the limits ---- */

int pattern_search_init(struct pattern_search *search)
{
	search->data = pcre2_match_data_create(PATTERN_GROUPS_MOST + 1, NULL);
	search->context = pcre2_match_context_create(NULL);
	search->work_ms = PATTERN_WORK_MS;
	search->stack = pcre2_jit_stack_create(JIT_STACK_LEAST, JIT_STACK_MOST, NULL);
	if (!search->data || !search->context)
		return -ENOMEM;
	pcre2_set_heap_limit(search->context, HEAP_LIMIT_KIB);
	if (search->stack)
		pcre2_jit_stack_assign(search->context, NULL, search->stack);
	return 0;
}

void pattern_search_finish(struct pattern_search *search)
{
	pcre2_match_data_free(search->data);
	pcre2_match_context_free(search->context);
	pcre2_jit_stack_free(search->stack);
}

void pattern_search_begin(struct pattern_search *search)
{
	clock_gettime(CLOCK_MONOTONIC, &search->begun);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &search->begun_cpu);
}

static int64_t elapsed_ms(clockid_t clock, const struct timespec *since)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* Processor time takes a system call, and is never more than what the clock says. */
static bool is_out_of_time(const struct pattern_search *search)
{
	return elapsed_ms(CLOCK_MONOTONIC, &search->begun) >= search->work_ms &&
	       elapsed_ms(CLOCK_THREAD_CPUTIME_ID, &search->begun_cpu) >= search->work_ms;
}

static int too_slow(struct error *error)
{
	return error_set(
	    error, -ETIME, "pattern_too_slow",
	    "it takes too long on this output (repetitions within repetitions, perhaps): make it simpler");
}

/* ---- where to look ---- */

static bool begins_line(const struct pattern_text_range *range, size_t place)
{
	return place == 0 || range->bytes[place - 1] == '\n' || range->bytes[place - 1] == '\r';
}

/* Moves *from to the first place that may be tried; false: there is none. */
static bool find_place(const struct pattern *pattern, const struct pattern_text_range *range, size_t *from)
{
	if (pattern->places == PLACES_FIRST && *from > range->from)
		return false;
	/* Where the reading begins within a line, .* begins there. */
	if (pattern->places == PLACES_LINES && *from > range->from)
		while (*from < range->length && !begins_line(range, *from))
			(*from)++;
	return *from < range->length;
}

/* ---- looking ---- */

/* How the places are tried, and what one ends with. */
enum trial { TRY_WHAT_IS_THERE = 0, TRY_WHAT_MAY_COME = PCRE2_PARTIAL_HARD };
enum { TRIED_NOTHING, TRIED_MATCH, TRIED_UNDECIDED, TRIED_TOO_MUCH };

/* The places to try. */
struct slice {
	size_t from, limit;
	uint32_t steps;
};

/* One of TRIED_..., where TRIED_TOO_MUCH means that it takes more steps; or a negative errno. */
static int try(struct pattern_search *search, const struct pattern *pattern,
	       const struct pattern_text_range *range, enum trial trial, const struct slice *slice,
	       struct pattern_place *ret_place, struct error *error)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(search->data);
	pcre2_set_offset_limit(search->context, slice->limit);
	pcre2_set_match_limit(search->context, slice->steps);
	int result = pcre2_match(pattern->code, (PCRE2_SPTR) range->bytes, range->length, slice->from,
				 (uint32_t) trial, search->data, search->context);
	if (result == PCRE2_ERROR_NOMATCH)
		return TRIED_NOTHING;
	if (result == PCRE2_ERROR_NOMEMORY)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (result == PCRE2_ERROR_MATCHLIMIT && slice->steps < PLACE_STEPS)
		return TRIED_TOO_MUCH;
	if (result < 0 && result != PCRE2_ERROR_PARTIAL)
		return too_slow(error);
	size_t begun = result < 0 ? ends[0] : pcre2_get_startchar(search->data);
	*ret_place = (struct pattern_place){begun, ends[0], ends[1]};
	return result < 0 ? TRIED_UNDECIDED : TRIED_MATCH;
}

/* How far the places are known to need more steps: those before `narrow` in narrow slices, those before
 * `one_by_one` by themselves. */
struct caution {
	size_t narrow, one_by_one;
};

static struct slice cut_slice(const struct pattern *pattern, size_t from, const struct caution *caution)
{
	if (from < caution->one_by_one)
		return (struct slice){from, from, PLACE_STEPS};
	if (pattern->places != PLACES_ANYWHERE)
		return (struct slice){from, from, SLICE_STEPS};
	if (from < caution->narrow)
		return (struct slice){from, from + SLICE_PLACES - 1, SLICE_STEPS};
	return (struct slice){from, from + WIDE_PLACES - 1, WIDE_STEPS};
}

static void beware(struct caution *caution, const struct slice *slice)
{
	if (slice->steps == WIDE_STEPS)
		caution->narrow = slice->limit + 1;
	else
		caution->one_by_one = slice->limit + 1;
}

static unsigned weigh(const struct slice *slice)
{
	return slice->limit > slice->from || slice->steps == PLACE_STEPS ? SLICE_PLACES : SINGLE_PLACES;
}

/* The first place that ends as wanted, from range->from on; *undecided gets lower where one before it is. */
static int find(struct pattern_search *search, const struct pattern *pattern,
		const struct pattern_text_range *range, enum trial trial, struct pattern_place *ret_place,
		size_t *undecided, struct error *error)
{
	unsigned weight = 0;
	struct caution caution = {0};
	for (size_t from = range->from; find_place(pattern, range, &from);) {
		struct pattern_place place = {0};
		const struct slice slice = cut_slice(pattern, from, &caution);
		int result = try(search, pattern, range, trial, &slice, &place, error);
		if (result == TRIED_MATCH)
			*ret_place = place;
		if (result < 0 || result == TRIED_MATCH)
			return result;
		if (result == TRIED_UNDECIDED && place.begun < *undecided)
			*undecided = place.begun;
		if (result == TRIED_UNDECIDED && !pattern->looks_ahead)
			return 0;
		if (result == TRIED_TOO_MUCH)
			beware(&caution, &slice);
		else
			/* What is undecided hides nothing that is complete further on. */
			from = (result == TRIED_UNDECIDED ? place.begun : slice.limit) + 1;
		weight += result == TRIED_UNDECIDED ? SINGLE_PLACES : weigh(&slice);
		if (weight >= SLICE_PLACES && is_out_of_time(search))
			return too_slow(error);
		weight %= SLICE_PLACES;
	}
	return 0;
}

/*
 * PCRE2's soft partial matching would do both at once for what does not look ahead, but compiled to machine
 * code (10.42) it runs over the end of the text. Before the first place that is undecided, hard partial
 * matching finds what matches without more bytes, too.
 */
int pattern_search_find(struct pattern_search *search, const struct pattern *pattern,
			const struct pattern_text_range *range, struct pattern_place *ret_place,
			size_t *ret_undecided, struct error *error)
{
	size_t undecided = range->from;
	struct pattern_text_range rest = *range;
	bool waits = range->goes_on && pattern->looks_ahead;
	int result = 0;
	if (waits || ret_undecided) {
		undecided = range->length;
		result = find(search, pattern, range, TRY_WHAT_MAY_COME, ret_place, &undecided, error);
	}
	rest.from = undecided;
	if (!result && !waits)
		result = find(search, pattern, &rest, TRY_WHAT_IS_THERE, ret_place, &undecided, error);
	if (!result && ret_undecided)
		*ret_undecided = undecided;
	return result;
}

int pattern_search_at(struct pattern_search *search, const struct pattern *pattern,
		      const struct pattern_text_range *range, struct pattern_place *ret_place,
		      struct error *error)
{
	bool waits = range->goes_on && pattern->looks_ahead;
	const struct slice slice = {range->from, range->from, PLACE_STEPS};
	int result = try(search, pattern, range, waits ? TRY_WHAT_MAY_COME : TRY_WHAT_IS_THERE, &slice,
			 ret_place, error);
	return result < 0 ? result : result == TRIED_MATCH;
}
