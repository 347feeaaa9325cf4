#include "server/watch/match_json.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

static json_t *pack_base64(const char *bytes, size_t length)
{
	cleanup_free char *encoded = base64_encode(bytes, length);
	return encoded ? json_string(encoded) : NULL;
}

void match_set_text(json_t *object, const char *bytes, size_t length)
{
	json_object_set_new(object, "text", json_text(bytes, length));
	if (!text_is_utf8(bytes, length))
		json_object_set_new(object, "text_base64", pack_base64(bytes, length));
}

static json_t *pack_group(const struct pattern_span *group, bool is_base64)
{
	if (!group->bytes)
		return json_null();
	return is_base64 ? pack_base64(group->bytes, group->length) : json_text(group->bytes, group->length);
}

/* "groups" in their order and "named_groups" by name, or their twins. */
static void set_groups(json_t *object, const struct pattern_set *set, const struct pattern_match *match,
		       bool is_base64)
{
	json_t *groups = json_array(), *named = json_object();
	for (size_t i = 0; i < match->group_count; i++) {
		const char *name = pattern_set_group_name(set, match->pattern, i);
		json_t *group = pack_group(&match->groups[i], is_base64);
		/* Of several with one name the one that has a part in the match. */
		if (name && !json_is_string(json_object_get(named, name)))
			json_object_set(named, name, group);
		json_array_append_new(groups, group);
	}
	json_object_set_new(object, is_base64 ? "groups_base64" : "groups", groups);
	json_object_set_new(object, is_base64 ? "named_groups_base64" : "named_groups", named);
}

json_t *match_to_json(const struct pattern_set *set, const struct pattern_match *match)
{
	json_t *object =
	    json_pack("{s:I, s:I}", "start", (json_int_t) match->start, "end", (json_int_t) match->end);
	if (!object)
		return NULL;
	match_set_text(object, match->text.bytes, match->text.length);
	set_groups(object, set, match, false);
	for (size_t i = 0; i < match->group_count; i++) {
		const struct pattern_span *group = &match->groups[i];
		if (group->bytes && !text_is_utf8(group->bytes, group->length)) {
			set_groups(object, set, match, true);
			break;
		}
	}
	return object;
}
