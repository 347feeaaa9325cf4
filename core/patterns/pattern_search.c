#include "core/patterns/pattern_search.h"

#include "core/patterns/pattern_watch.h"

enum {
	/* Places tried between two looks at the clock, and the steps back within the attempt at one of them.
	 */
	SLICE_PLACES = 256,
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
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &search->begun);
}

static bool is_out_of_time(const struct pattern_search *search)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (now.tv_sec - search->begun.tv_sec) * 1000 + (now.tv_nsec - search->begun.tv_nsec) / 1000000 >=
	       PATTERN_WORK_MS;
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

/* Tries the places from..limit: one of TRIED_..., where TRIED_TOO_MUCH means to try them one by one; or a
 * negative errno. */
static int try(struct pattern_search *search, const struct pattern *pattern,
	       const struct pattern_text_range *range, enum trial trial, size_t from, size_t limit,
	       struct pattern_place *ret_place, struct error *error)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(search->data);
	pcre2_set_offset_limit(search->context, limit);
	pcre2_set_match_limit(search->context, from < limit ? SLICE_STEPS : PLACE_STEPS);
	int result = pcre2_match(pattern->code, (PCRE2_SPTR) range->bytes, range->length, from,
				 (uint32_t) trial, search->data, search->context);
	if (result == PCRE2_ERROR_NOMATCH)
		return TRIED_NOTHING;
	if (result == PCRE2_ERROR_NOMEMORY)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (result == PCRE2_ERROR_MATCHLIMIT && from < limit)
		return TRIED_TOO_MUCH;
	if (result < 0 && result != PCRE2_ERROR_PARTIAL)
		return too_slow(error);
	size_t begun = result < 0 ? ends[0] : pcre2_get_startchar(search->data);
	*ret_place = (struct pattern_place){begun, ends[0], ends[1]};
	return result < 0 ? TRIED_UNDECIDED : TRIED_MATCH;
}

/* The first place that ends as wanted, from range->from on; *ret_undecided gets lower where one before it is.
 */
static int find(struct pattern_search *search, const struct pattern *pattern,
		const struct pattern_text_range *range, enum trial trial, struct pattern_place *ret_place,
		size_t *undecided, struct error *error)
{
	size_t from = range->from, one_by_one = from;
	while (find_place(pattern, range, &from)) {
		struct pattern_place place;
		bool is_one = pattern->places != PLACES_ANYWHERE || from < one_by_one;
		size_t limit = is_one ? from : from + SLICE_PLACES - 1;
		int result = try(search, pattern, range, trial, from, limit, &place, error);
		if (result < 0)
			return result;
		if (result == TRIED_MATCH) {
			*ret_place = place;
			return 1;
		}
		if (result == TRIED_UNDECIDED && place.begun < *undecided)
			*undecided = place.begun;
		if (result == TRIED_TOO_MUCH)
			one_by_one = limit + 1;
		else if (result == TRIED_NOTHING)
			from = limit + 1;
		else if (pattern->looks_ahead)
			/* What is undecided hides nothing that is complete further on. */
			from = place.begun + 1;
		else
			return 0;
		if (is_out_of_time(search))
			return too_slow(error);
	}
	return 0;
}

/*
 * PCRE2's soft partial matching would do both at once for what does not look ahead, but compiled to machine
 * code (10.42) it runs over the end of the text. Where nothing matches, hard partial matching stops at the
 * same places.
 */
int pattern_search_find(struct pattern_search *search, const struct pattern *pattern,
			const struct pattern_text_range *range, struct pattern_place *ret_place,
			size_t *ret_undecided, struct error *error)
{
	size_t undecided = range->length;
	bool waits = range->goes_on && pattern->looks_ahead;
	int result = find(search, pattern, range, waits ? TRY_WHAT_MAY_COME : TRY_WHAT_IS_THERE, ret_place,
			  &undecided, error);
	if (!result && ret_undecided && !waits)
		result = find(search, pattern, range, TRY_WHAT_MAY_COME, ret_place, &undecided, error);
	if (!result && ret_undecided)
		*ret_undecided = undecided;
	return result;
}

int pattern_search_at(struct pattern_search *search, const struct pattern *pattern,
		      const struct pattern_text_range *range, struct pattern_place *ret_place,
		      struct error *error)
{
	bool waits = range->goes_on && pattern->looks_ahead;
	int result = try(search, pattern, range, waits ? TRY_WHAT_MAY_COME : TRY_WHAT_IS_THERE, range->from,
			 range->from, ret_place, error);
	return result < 0 ? result : result == TRIED_MATCH;
}
