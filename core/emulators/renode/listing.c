#include "core/emulators/renode/listing.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <ctype.h>
#include <string.h>

enum section { SECTION_NONE, SECTION_METHODS, SECTION_PROPERTIES, SECTION_FIELDS };

struct parser {
	enum section section;
	json_t *properties, *methods;
	json_t *property; /* what is said of it follows; borrowed */
};

/* Cuts the white space off both ends, in place. */
static char *trim(char *line)
{
	while (isspace((unsigned char) *line))
		line++;
	size_t length = strlen(line);
	while (length > 0 && isspace((unsigned char) line[length - 1]))
		line[--length] = '\0';
	return line;
}

/* "Tuple<Int32, Int32> Position" to its type and its name: the last word. False: there are no two. */
static bool split_name(char *text, const char **ret_type, const char **ret_name)
{
	char *space = strrchr(text, ' ');
	if (!space || space == text)
		return false;
	*ret_name = space + 1;
	*space = '\0';
	*ret_type = trim(text);
	return true;
}

/* "Int64 offset, Tuple<Int32, Int32> at": commas within brackets belong to a type. */
static json_t *split_parameters(char *text)
{
	json_t *parameters = json_array();
	int depth = 0;
	char *begin = text;
	for (char *at = text;; at++) {
		char character = *at;
		depth += character == '<' || character == '(' || character == '[';
		depth -= character == '>' || character == ')' || character == ']';
		if (character && (character != ',' || depth > 0))
			continue;
		*at = '\0';
		begin = trim(begin);
		if (*begin)
			json_array_append_new(parameters, json_string(begin));
		begin = at + 1;
		if (!character)
			return parameters;
	}
}

static void add_method(struct parser *parser, char *text)
{
	const char *type, *name;
	char *open = strstr(text, " (");
	char *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return;
	*open = *close = '\0';
	if (split_name(text, &type, &name))
		json_array_append_new(parser->methods,
				      json_pack("{s:s, s:s, s:o}", "name", name, "returns", type,
						"parameters", split_parameters(open + 2)));
}

static void add_property(struct parser *parser, char *text)
{
	const char *type, *name;
	/* A field has no line that says what it is available for. */
	bool is_field = parser->section == SECTION_FIELDS;
	if (!split_name(text, &type, &name))
		return;
	parser->property = json_pack("{s:s, s:s, s:b, s:b}", "name", name, "type", type, "readable", is_field,
				     "writable", is_field);
	json_array_append_new(parser->properties, parser->property);
}

static void parse_line(struct parser *parser, char *line)
{
	static const struct {
		const char *title;
		enum section section;
	} titles[] = {
	    {"The following methods are available:", SECTION_METHODS},
	    {"The following properties are available:", SECTION_PROPERTIES},
	    {"The following fields are available:", SECTION_FIELDS},
	    {"The following ", SECTION_NONE},
	    {"Usage:", SECTION_NONE},
	};
	line = trim(line);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (!text_starts_with(line, titles[i].title))
			continue;
		parser->section = titles[i].section;
		return;
	}
	if (text_starts_with(line, "- ") && parser->section == SECTION_METHODS) {
		add_method(parser, line + 2);
	} else if (text_starts_with(line, "- ") && parser->section != SECTION_NONE) {
		add_property(parser, line + 2);
	} else if (text_starts_with(line, "available for ") && parser->property) {
		json_object_set_new(parser->property, "readable", json_boolean(strstr(line, "'get'")));
		json_object_set_new(parser->property, "writable", json_boolean(strstr(line, "'set'")));
	}
}

json_t *renode_listing_parse(const char *text)
{
	struct parser parser = {.properties = json_array(), .methods = json_array()};
	cleanup_free char *copy = strdup(text);
	char *rest = NULL;
	for (char *line = copy ? strtok_r(copy, "\r\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\r\n", &rest))
		parse_line(&parser, line);
	return json_pack("{s:o, s:o}", "properties", parser.properties, "methods", parser.methods);
}

static const json_t *find(const json_t *items, const char *name)
{
	size_t index;
	json_t *item;
	json_array_foreach (items, index, item)
		if (text_equal(json_member_string(item, "name", NULL), name))
			return item;
	return NULL;
}

const json_t *renode_listing_property(const json_t *listing, const char *name)
{
	return find(json_object_get(listing, "properties"), name);
}

bool renode_listing_has_method(const json_t *listing, const char *name)
{
	return find(json_object_get(listing, "methods"), name);
}
