#include "core/config/reader_json.h"

#include "core/base/cleanup.h"
#include "core/config/mark.h"

#include <stdio.h>
#include <string.h>

/*
 * Jansson keeps no positions, but it keeps the members of an object in the order of the text. So a second
 * walk over the text, in step with the tree, finds the lines. The text is known to be JSON by then.
 */
struct walk {
	const char *at; /* ends with NUL */
	size_t line;
	size_t weight;
	struct syntax_error *error;
};

static void skip_blanks(struct walk *walk)
{
	for (; *walk->at && strchr(" \t\r\n", *walk->at); walk->at++)
		walk->line += *walk->at == '\n';
}

static void skip_character(struct walk *walk, char character)
{
	skip_blanks(walk);
	if (*walk->at == character)
		walk->at++;
}

/* A string, number or word. */
static void skip_scalar(struct walk *walk)
{
	if (*walk->at != '"') {
		walk->at += strcspn(walk->at, ",:]} \t\r\n");
		return;
	}
	walk->at++;
	while (*walk->at && *walk->at != '"')
		walk->at += walk->at[0] == '\\' && walk->at[1] ? 2 : 1;
	walk->at += *walk->at == '"';
}

static json_t *mark_value(struct walk *walk, const json_t *value, int depth);

static json_t *mark_members(struct walk *walk, const json_t *object, int depth)
{
	cleanup_json json_t *marks = json_object();
	const char *key;
	json_t *member;
	skip_character(walk, '{');
	json_object_foreach ((json_t *) object, key, member) {
		skip_blanks(walk);
		size_t line = walk->line;
		skip_scalar(walk);
		skip_character(walk, ':');
		cleanup_json json_t *mark = mark_value(walk, member, depth + 1);
		if (!mark || json_object_set_new(marks, key, mark_at_line(mark, line)) < 0)
			return NULL;
		skip_character(walk, ',');
	}
	skip_character(walk, '}');
	return TAKE(marks);
}

static json_t *mark_items(struct walk *walk, const json_t *array, int depth)
{
	cleanup_json json_t *marks = json_array();
	skip_character(walk, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *mark = mark_value(walk, json_array_get(array, i), depth + 1);
		if (!mark || json_array_append_new(marks, mark) < 0)
			return NULL;
		skip_character(walk, ',');
	}
	skip_character(walk, ']');
	return TAKE(marks);
}

static json_t *refuse(struct walk *walk, const char *message)
{
	walk->error->line = walk->line;
	snprintf(walk->error->message, sizeof(walk->error->message), "%s", message);
	return NULL;
}

/* NULL: beyond a limit, or no memory. */
static json_t *mark_value(struct walk *walk, const json_t *value, int depth)
{
	skip_blanks(walk);
	size_t line = walk->line;
	walk->weight += DOCUMENT_NODE_WEIGHT;
	if (depth > DOCUMENT_MAX_DEPTH)
		return refuse(walk, "the file is nested too deeply");
	if (walk->weight > DOCUMENT_MAX_WEIGHT)
		return refuse(walk, "the file holds too many values");
	json_t *children = NULL;
	if (json_is_object(value))
		children = mark_members(walk, value, depth);
	else if (json_is_array(value))
		children = mark_items(walk, value, depth);
	else
		skip_scalar(walk);
	if (!children && (json_is_object(value) || json_is_array(value)))
		return NULL;
	return mark_create(line, children);
}

int reader_json_parse(const char *text, size_t length, json_t **ret_root, json_t **ret_marks,
		      struct syntax_error *error)
{
	json_error_t json_error;
	cleanup_json json_t *root =
	    json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
	if (!root) {
		error->line = json_error.line > 0 ? (size_t) json_error.line : 0;
		snprintf(error->message, sizeof(error->message), "invalid JSON: %s", json_error.text);
		return -EINVAL;
	}
	struct walk walk = {.at = text, .line = 1, .error = error};
	snprintf(error->message, sizeof(error->message), "out of memory");
	json_t *marks = mark_value(&walk, root, 0);
	if (!marks)
		return -E2BIG;
	*ret_root = TAKE(root);
	*ret_marks = marks;
	return 0;
}
