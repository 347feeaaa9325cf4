#include "core/config/reader_yaml.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/mark.h"
#include "core/config/yaml_scalar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	const char *text;
	json_t *anchors; /* name to [value, mark] */
	size_t weight;
	struct findings *findings;
	struct syntax_error *error;
};

struct node {
	json_t *value;
	json_t *mark;
};

static void node_finish(struct node *node)
{
	json_decref(node->value);
	json_decref(node->mark);
}
#define cleanup_node cleanup(node_finish)
#define cleanup_event cleanup(yaml_event_delete)

__attribute__((format(printf, 3, 4))) static int refuse(struct reader *reader, size_t line,
							const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reader->error->message, sizeof(reader->error->message), format, arguments);
	va_end(arguments);
	reader->error->line = line;
	return -EINVAL;
}

static size_t event_line(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static int refuse_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "out of memory";
	size_t line = parser->problem_mark.line + 1;
	if (parser->error == YAML_READER_ERROR) {
		/* The reader knows an offset only. */
		line = 1;
		for (size_t i = 0; i < parser->problem_offset && reader->text[i]; i++)
			line += reader->text[i] == '\n';
	}
	if (parser->context)
		return refuse(reader, line, "invalid YAML: %s %s", problem, parser->context);
	return refuse(reader, line, "invalid YAML: %s", problem);
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->parser, event) ? 0 : refuse_syntax(reader);
}

static int add_weight(struct reader *reader, size_t weight, size_t line)
{
	reader->weight += weight;
	if (reader->weight > DOCUMENT_MAX_WEIGHT)
		return refuse(reader, line, "the file holds too many values");
	return 0;
}

/* What a copy of a value adds: its weight and the levels it is deep. */
struct extent {
	size_t weight;
	int height;
};

static struct extent measure(const json_t *value)
{
	struct extent whole = {.weight = DOCUMENT_NODE_WEIGHT + json_string_length(value)};
	const char *key;
	json_t *child;
	size_t index;
	json_object_foreach ((json_t *) value, key, child) {
		struct extent part = measure(child);
		whole.weight += part.weight + strlen(key);
		whole.height = part.height >= whole.height ? part.height + 1 : whole.height;
	}
	json_array_foreach (value, index, child) {
		struct extent part = measure(child);
		whole.weight += part.weight;
		whole.height = part.height >= whole.height ? part.height + 1 : whole.height;
	}
	return whole;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, int depth, struct node *ret_node)
{
	const char *name = (const char *) event->data.alias.anchor;
	const json_t *anchored = json_object_get(reader->anchors, name);
	json_t *value = json_array_get(anchored, 0);
	if (!value)
		return refuse(reader, event_line(event), "*%s names nothing that stands above it", name);
	struct extent extent = measure(value);
	if (depth + extent.height > DOCUMENT_MAX_DEPTH)
		return refuse(reader, event_line(event), "the file is nested too deeply");
	int result = add_weight(reader, extent.weight, event_line(event));
	if (result < 0)
		return result;
	ret_node->value = json_deep_copy(value);
	ret_node->mark = json_incref(json_array_get(anchored, 1));
	return ret_node->value ? 0 : refuse(reader, event_line(event), "out of memory");
}

static bool is_string_tag(const char *tag)
{
	return text_equal(tag, YAML_STR_TAG) || text_equal(tag, "!");
}

/* What a tag that is not a string's says of the value must be what the core schema makes of it. */
static bool tag_fits(const char *tag, const json_t *value)
{
	return (text_equal(tag, YAML_NULL_TAG) && json_is_null(value)) ||
	       (text_equal(tag, YAML_BOOL_TAG) && json_is_boolean(value)) ||
	       (text_equal(tag, YAML_INT_TAG) && json_is_integer(value)) ||
	       (text_equal(tag, YAML_FLOAT_TAG) && json_is_real(value)) ||
	       (text_equal(tag, YAML_MAP_TAG) && json_is_object(value)) ||
	       (text_equal(tag, YAML_SEQ_TAG) && json_is_array(value));
}

static int read_scalar(struct reader *reader, const yaml_event_t *event, struct node *ret_node)
{
	const char *text = (const char *) event->data.scalar.value;
	const char *tag = (const char *) event->data.scalar.tag;
	size_t length = event->data.scalar.length, line = event_line(event);
	if (strlen(text) != length)
		return refuse(reader, line, "a string must not contain NUL");
	int result = add_weight(reader, length, line);
	if (result < 0)
		return result;
	bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool is_string = tag ? is_string_tag(tag) : !is_plain;
	ret_node->value = is_string ? json_stringn(text, length) : yaml_scalar_resolve(text, length);
	ret_node->mark = mark_create(line, NULL);
	if (tag && !is_string && ret_node->value && !tag_fits(tag, ret_node->value))
		return refuse(reader, line, "the value is not what its tag %s says", tag);
	return ret_node->value && ret_node->mark ? 0 : refuse(reader, line, "out of memory");
}

static int read_node(struct reader *reader, const yaml_event_t *event, const struct place *place, int depth,
		     struct node *ret_node);

static int read_sequence(struct reader *reader, size_t line, const struct place *place, int depth,
			 struct node *ret_node)
{
	cleanup_json json_t *marks = json_array();
	ret_node->value = json_array();
	for (size_t i = 0;; i++) {
		cleanup_event yaml_event_t event = {0};
		int result = next_event(reader, &event);
		if (result < 0)
			return result;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		struct place item_place = place_item(place, i);
		cleanup_node struct node item = {0};
		result = read_node(reader, &event, &item_place, depth + 1, &item);
		if (result < 0)
			return result;
		if (json_array_append(ret_node->value, item.value) < 0 ||
		    json_array_append(marks, item.mark) < 0)
			return refuse(reader, line, "out of memory");
	}
	ret_node->mark = mark_create(line, TAKE(marks));
	return ret_node->mark ? 0 : refuse(reader, line, "out of memory");
}

static int read_key(struct reader *reader, const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT)
		return refuse(reader, event_line(event), "a key must be a string");
	if (strlen((const char *) event->data.scalar.value) != event->data.scalar.length)
		return refuse(reader, event_line(event), "a key must not contain NUL");
	return add_weight(reader, event->data.scalar.length, event_line(event));
}

/* Reads the value that belongs to a key and puts it into the map. */
static int read_member(struct reader *reader, const yaml_event_t *key_event, const struct place *place,
		       int depth, json_t *map, json_t *marks)
{
	const char *key = (const char *) key_event->data.scalar.value;
	size_t line = event_line(key_event);
	struct place member_place = place_member(place, key);
	cleanup_event yaml_event_t event = {0};
	int result = next_event(reader, &event);
	if (result < 0)
		return result;
	cleanup_node struct node member = {0};
	result = read_node(reader, &event, &member_place, depth + 1, &member);
	if (result < 0)
		return result;
	if (text_equal(key, "<<") && key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		findings_error_at(
		    reader->findings, &member_place, line,
		    "merge keys are not read, repeat the map's keys (or name it whole: key: *anchor)");
		return 0;
	}
	if (json_object_get(map, key)) {
		findings_error_at(reader->findings, &member_place, line,
				  "the key stands twice, first on line %d",
				  mark_line(json_object_get(marks, key)));
		return 0;
	}
	if (json_object_set(map, key, member.value) < 0 ||
	    json_object_set_new(marks, key, mark_at_line(member.mark, line)) < 0)
		return refuse(reader, line, "out of memory");
	return 0;
}

static int read_mapping(struct reader *reader, size_t line, const struct place *place, int depth,
			struct node *ret_node)
{
	cleanup_json json_t *marks = json_object();
	ret_node->value = json_object();
	for (;;) {
		cleanup_event yaml_event_t event = {0};
		int result = next_event(reader, &event);
		if (result < 0)
			return result;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		result = read_key(reader, &event);
		if (result < 0)
			return result;
		result = read_member(reader, &event, place, depth, ret_node->value, marks);
		if (result < 0)
			return result;
	}
	ret_node->mark = mark_create(line, TAKE(marks));
	return ret_node->mark ? 0 : refuse(reader, line, "out of memory");
}

static int check_collection_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag,
				const struct node *node)
{
	if (!tag || text_equal((const char *) tag, "!") || tag_fits((const char *) tag, node->value))
		return 0;
	return refuse(reader, event_line(event), "the value is not what its tag %s says", (const char *) tag);
}

static int keep_anchor(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
		       const struct node *node)
{
	if (!anchor)
		return 0;
	json_t *anchored = json_pack("[O, O]", node->value, node->mark);
	if (json_object_set_new(reader->anchors, (const char *) anchor, anchored) < 0)
		return refuse(reader, event_line(event), "out of memory");
	return 0;
}

static int read_node(struct reader *reader, const yaml_event_t *event, const struct place *place, int depth,
		     struct node *ret_node)
{
	size_t line = event_line(event);
	const yaml_char_t *anchor = NULL;
	if (depth > DOCUMENT_MAX_DEPTH)
		return refuse(reader, line, "the file is nested too deeply");
	int result = add_weight(reader, DOCUMENT_NODE_WEIGHT, line);
	if (result < 0)
		return result;
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(reader, event, depth, ret_node);
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		result = read_scalar(reader, event, ret_node);
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		result = read_sequence(reader, line, place, depth, ret_node);
		if (!result)
			result =
			    check_collection_tag(reader, event, event->data.sequence_start.tag, ret_node);
	} else {
		anchor = event->data.mapping_start.anchor;
		result = read_mapping(reader, line, place, depth, ret_node);
		if (!result)
			result = check_collection_tag(reader, event, event->data.mapping_start.tag, ret_node);
	}
	return result ? result : keep_anchor(reader, event, anchor, ret_node);
}

static int skip_event(struct reader *reader)
{
	cleanup_event yaml_event_t event = {0};
	return next_event(reader, &event);
}

static int read_document(struct reader *reader, const struct place *place, struct node *ret_node)
{
	int result = skip_event(reader); /* stream start */
	if (result < 0)
		return result;
	cleanup_event yaml_event_t start = {0}, root = {0}, after = {0};
	result = next_event(reader, &start);
	if (result < 0)
		return result;
	if (start.type == YAML_STREAM_END_EVENT) {
		*ret_node = (struct node){.value = json_object(), .mark = mark_create(1, json_object())};
		return ret_node->value && ret_node->mark ? 0 : refuse(reader, 1, "out of memory");
	}
	result = next_event(reader, &root);
	if (!result)
		result = read_node(reader, &root, place, 0, ret_node);
	if (!result)
		result = skip_event(reader); /* document end */
	if (!result)
		result = next_event(reader, &after);
	if (!result && after.type != YAML_STREAM_END_EVENT)
		return refuse(reader, event_line(&after), "the file must hold one YAML document only");
	return result;
}

int reader_yaml_parse(const char *text, size_t length, const char *file, json_t **ret_root,
		      json_t **ret_marks, struct findings *findings, struct syntax_error *error)
{
	struct place place = place_root(file, NULL);
	struct reader reader = {.text = text, .findings = findings, .error = error};
	cleanup_json json_t *anchors = reader.anchors = json_object();
	if (!anchors || !yaml_parser_initialize(&reader.parser))
		return refuse(&reader, 0, "out of memory");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *) text, length);
	cleanup_node struct node root = {0};
	int result = read_document(&reader, &place, &root);
	yaml_parser_delete(&reader.parser);
	if (result < 0)
		return result;
	*ret_root = TAKE(root.value);
	*ret_marks = TAKE(root.mark);
	return 0;
}
