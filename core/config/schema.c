#include "core/config/schema.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/document.h"

#include <string.h>

/* One map under check; path is its rows' path: "channels.chardevs.*". */
struct level {
	const struct config_key *rows;
	const char *path;
	const struct place *place;
	struct findings *findings;
};

/* What stands in a row's path behind the level's own: "type" of "channels.type" at "channels"; else NULL. */
static const char *rest_of_path(const char *row_path, const char *level_path)
{
	size_t length = strlen(level_path);
	if (length == 0)
		return row_path;
	return text_starts_with(row_path, level_path) && row_path[length] == '.' ? row_path + length + 1
										 : NULL;
}

/* Where a member belongs among the rows. */
struct match {
	const struct config_key *row; /* of the member itself, or NULL */
	const char *component;        /* the key, "*", or NULL: nowhere */
	bool has_children;
};

/* A row that names the key wins over one for any name. */
static struct match match_member(const struct level *level, const char *key)
{
	struct match named = {0}, any = {0};
	for (const struct config_key *row = level->rows; row->path; row++) {
		const char *rest = rest_of_path(row->path, level->path);
		if (!rest)
			continue;
		size_t length = strcspn(rest, ".");
		bool is_named = length == strlen(key) && strncmp(rest, key, length) == 0;
		if (!is_named && (length != 1 || rest[0] != '*'))
			continue;
		struct match *match = is_named ? &named : &any;
		match->component = is_named ? key : "*";
		if (rest[length])
			match->has_children = true;
		else
			match->row = row;
	}
	return named.component ? named : any;
}

static void warn_unknown(const struct level *level, const char *key, const struct place *place)
{
	cleanup_text_vector char **names = NULL;
	for (const struct config_key *row = level->rows; row->path; row++) {
		const char *rest = rest_of_path(row->path, level->path);
		cleanup_free char *name = rest && rest[0] != '*' ? strndup(rest, strcspn(rest, ".")) : NULL;
		if (name)
			text_vector_append(&names, name);
	}
	const char *nearest = text_nearest(key, (const char *const *) names);
	if (nearest)
		findings_warn(level->findings, place, "unknown key, did you mean \"%s\"?", nearest);
	else
		findings_warn(level->findings, place, "unknown key");
}

static void refuse_type(struct findings *findings, const struct place *place, const char *wanted,
			const json_t *value)
{
	bool needs_quotes =
	    text_equal(wanted, "a string") && (json_is_number(value) || json_is_boolean(value));
	findings_error(findings, place, "must be %s, not %s%s", wanted, document_type_name(value),
		       needs_quotes ? ": put it in quotes" : "");
}

static void check_string_list(const json_t *value, const struct place *place, struct findings *findings)
{
	if (!json_is_array(value)) {
		refuse_type(findings, place, "a list of strings", value);
		return;
	}
	size_t index;
	const json_t *item;
	json_array_foreach (value, index, item) {
		struct place item_place = place_item(place, index);
		if (!json_is_string(item))
			refuse_type(findings, &item_place, "a string", item);
	}
}

static void check_channel_type(const json_t *value, const struct place *place, struct findings *findings)
{
	const char *type = json_string_value(value);
	if (!type)
		refuse_type(findings, place, "\"tcp\" or \"pty\"", value);
	else if (!text_equal(type, "tcp") && !text_equal(type, "pty"))
		findings_error(findings, place, "must be \"tcp\" or \"pty\", not \"%s\"", type);
}

static void check_string(const json_t *value, bool required, const struct place *place,
			 struct findings *findings)
{
	if (!json_is_string(value))
		refuse_type(findings, place, "a string", value);
	else if (required && !json_string_length(value))
		findings_error(findings, place, "must not be empty");
}

static void check_value(const struct config_key *row, const json_t *value, const struct place *place,
			struct findings *findings)
{
	switch (row->type) {
	case CONFIG_STRING:
		check_string(value, row->required, place, findings);
		break;
	case CONFIG_STRING_LIST:
		check_string_list(value, place, findings);
		break;
	case CONFIG_CHANNEL_TYPE:
		check_channel_type(value, place, findings);
		break;
	case CONFIG_BOOLEAN:
		if (!json_is_boolean(value))
			refuse_type(findings, place, "true or false", value);
		break;
	case CONFIG_INTEGER:
		if (!json_is_integer(value))
			refuse_type(findings, place, "an integer", value);
		else if (json_integer_value(value) < 0)
			findings_error(findings, place, "must not be negative");
		break;
	case CONFIG_REAL:
		if (!json_is_number(value))
			refuse_type(findings, place, "a number", value);
		else if (json_number_value(value) < 0)
			findings_error(findings, place, "must not be negative");
		break;
	case CONFIG_MAP:
		if (!json_is_object(value))
			refuse_type(findings, place, "a map", value);
		break;
	}
}

static void check_map(const struct level *level, const json_t *map);

static void check_member(const struct level *level, const char *key, const json_t *value)
{
	static const struct config_key any_map = {.type = CONFIG_MAP};
	struct place place = place_member(level->place, key);
	struct match match = match_member(level, key);
	if (!match.component) {
		warn_unknown(level, key, &place);
		return;
	}
	check_value(match.row ? match.row : &any_map, value, &place, level->findings);
	if (!match.has_children || !json_is_object(value))
		return;
	cleanup_free char *path =
	    text_format("%s%s%s", level->path, level->path[0] ? "." : "", match.component);
	if (!path) {
		findings_out_of_memory(level->findings, &place);
		return;
	}
	check_map(&(struct level){level->rows, path, &place, level->findings}, value);
}

static void check_map(const struct level *level, const json_t *map)
{
	const char *key;
	json_t *member;
	json_object_foreach ((json_t *) map, key, member) {
		check_member(level, key, member);
	}
	for (const struct config_key *row = level->rows; row->path; row++) {
		const char *rest = rest_of_path(row->path, level->path);
		if (!rest || !row->required || strchr(rest, '.') || json_object_get(map, rest))
			continue;
		struct place place = place_member(level->place, rest);
		findings_error(level->findings, &place, "is required");
	}
}

int schema_check(const struct config_key *rows, const json_t *section, const struct place *place,
		 struct findings *findings)
{
	size_t errors_before = findings->error_count;
	if (json_is_object(section))
		check_map(&(struct level){rows, "", place, findings}, section);
	else
		refuse_type(findings, place, "a map", section);
	return findings->error_count > errors_before ? -EINVAL : 0;
}

struct config_key *schema_rows_with_sections(const struct config_key *rows, const char *const *names)
{
	size_t row_count = 0, name_count = 0;
	while (rows[row_count].path)
		row_count++;
	while (names && names[name_count])
		name_count++;
	struct config_key *all = calloc(row_count + name_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, rows, row_count * sizeof(*rows));
	for (size_t i = 0; i < name_count; i++)
		all[row_count + i] = (struct config_key){.path = names[i], .type = CONFIG_MAP};
	return all;
}
