#include "server/api/expect_reply.h"

#include "core/base/cleanup.h"
#include "server/watch/match_json.h"

enum { SEEN_BYTES = 64 * 1024 };

json_t *expect_pack_match(const struct expect_body *body, const struct pattern_set *set,
			  const struct pattern_match *match, int64_t start_number)
{
	json_t *object = match_to_json(set, match);
	json_object_set_new(object, "matched", json_string(expect_body_name(body, match->pattern)));
	json_object_set_new(object, "next_offset", json_integer((json_int_t) match->end));
	json_object_set_new(object, "start_number", json_integer((json_int_t) start_number));
	return object;
}

json_t *expect_pack_seen(const struct expectation *expectation, int64_t offset)
{
	cleanup_free char *bytes = malloc(SEEN_BYTES);
	int64_t start;
	if (!bytes)
		return NULL;
	size_t length = expectation_read_seen(expectation, bytes, SEEN_BYTES, &start);
	json_t *object = json_pack("{s:I, s:I, s:I}", "offset", (json_int_t) offset, "start",
				   (json_int_t) start, "end", (json_int_t) start + (json_int_t) length);
	match_set_text(object, bytes, length);
	return object;
}
