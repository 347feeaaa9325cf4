#include "server/api/run_summary.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <ctype.h>

bool run_is_passed(const json_t *run)
{
	return text_equal(json_member_string(run, "verdict", NULL), "passed");
}

/* What it says stays on its line. */
static void flatten(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char) *text))
			*text = ' ';
}

static char *tell_why(const json_t *run)
{
	const json_t *matched = json_object_get(run, "matched");
	const char *detail = json_member_string(run, "detail", NULL);
	char *why =
	    json_is_object(matched)
		? text_format("%s pattern \"%s\" at offset %lld", json_member_string(matched, "kind", ""),
			      json_member_string(matched, "pattern", ""),
			      (long long) json_member_integer(matched, "start", 0))
		: text_format("%s", detail ? detail : json_member_string(run, "reason", "unknown"));
	if (why)
		flatten(why);
	return why;
}

static char *tell_tests(const json_t *run)
{
	size_t count = json_array_size(json_object_get(run, "tests"));
	const json_t *counts = json_object_get(run, "test_counts");
	json_int_t failed =
	    json_member_integer(counts, "failed", 0) + json_member_integer(counts, "error", 0);
	return count ? text_format(", %zu tests, %lld failed", count, (long long) failed)
		     : text_format("%s", "");
}

char *run_summarize(const json_t *run, bool begins_line)
{
	cleanup_free char *why = tell_why(run);
	cleanup_free char *tests = tell_tests(run);
	if (!why || !tests)
		return NULL;
	return text_format("%semud: run %s %s: %s, %.3f s%s\n", begins_line ? "\n" : "",
			   json_member_string(run, "id", ""), json_member_string(run, "verdict", ""), why,
			   json_member_real(run, "duration", 0), tests);
}
