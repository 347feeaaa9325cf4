#include "core/emulators/renode/xmlrpc.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <expat.h>
#include <string.h>

/* ---- calls ---- */

/* The characters of markup, and U+FFFD for those that XML has no way to write. */
static int append_escaped(struct buffer *out, const char *text)
{
	static const struct {
		char character;
		const char *entity;
	} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\r', "&#13;"}};
	for (; *text; text++) {
		const char *entity = NULL;
		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
			if (*text == entities[i].character)
				entity = entities[i].entity;
		if ((unsigned char) *text < ' ' && *text != '\t' && *text != '\n' && *text != '\r')
			entity = "\xef\xbf\xbd";
		int result = entity ? buffer_append_text(out, entity) : buffer_append(out, text, 1);
		if (result < 0)
			return result;
	}
	return 0;
}

static int append_string(struct buffer *out, const json_t *value)
{
	const char *text = json_string_value(value);
	int result = buffer_append_text(out, "<value><string>");
	if (!result)
		result = append_escaped(out, text ? text : "");
	return result ? result : buffer_append_text(out, "</string></value>");
}

static int append_value(struct buffer *out, const json_t *value)
{
	if (!json_is_array(value))
		return append_string(out, value);
	size_t index;
	json_t *item;
	int result = buffer_append_text(out, "<value><array><data>");
	json_array_foreach (value, index, item)
		result = result ? result : append_string(out, item);
	return result ? result : buffer_append_text(out, "</data></array></value>");
}

int xmlrpc_encode_call(struct buffer *out, const char *method, const json_t *params)
{
	size_t index;
	json_t *param;
	int result = buffer_append_text(out, "<?xml version=\"1.0\"?><methodCall><methodName>");
	if (!result)
		result = append_escaped(out, method);
	if (!result)
		result = buffer_append_text(out, "</methodName><params>");
	json_array_foreach (params, index, param) {
		if (!result)
			result = buffer_append_text(out, "<param>");
		if (!result)
			result = append_value(out, param);
		if (!result)
			result = buffer_append_text(out, "</param>");
	}
	return result ? result : buffer_append_text(out, "</params></methodCall>");
}

/* ---- responses ---- */

enum { DEPTH_MAX = 24 };

/* A <value> under way. */
struct level {
	json_t *container; /* of a struct or an array, else NULL */
	json_t *scalar;    /* of any other type */
	char *name;        /* of the struct's member under way */
};

struct reader {
	XML_Parser parser;
	struct level levels[DEPTH_MAX];
	size_t depth;
	struct buffer text; /* since the last tag that opens */
	json_t *value;
	bool is_fault, has_response;
	const char *fault; /* why it is none; NULL: nothing wrong so far */
};

static void reject(struct reader *reader, const char *fault)
{
	if (!reader->fault)
		reader->fault = fault;
	XML_StopParser(reader->parser, XML_FALSE);
}

static struct level *top(struct reader *reader)
{
	return reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;
}

static void open_value(struct reader *reader)
{
	if (reader->depth == DEPTH_MAX)
		reject(reader, "its values are nested too deep");
	else
		reader->levels[reader->depth++] = (struct level){0};
}

static void open_container(struct reader *reader, json_t *container)
{
	struct level *level = top(reader);
	if (level && !level->container && !level->scalar)
		level->container = container;
	else
		json_decref(container);
}

static void on_open(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = data;
	(void) attributes;
	buffer_clear(&reader->text);
	if (text_equal(name, "methodResponse"))
		reader->has_response = true;
	else if (text_equal(name, "fault"))
		reader->is_fault = true;
	else if (text_equal(name, "value"))
		open_value(reader);
	else if (text_equal(name, "struct"))
		open_container(reader, json_object());
	else if (text_equal(name, "array"))
		open_container(reader, json_array());
}

static json_t *read_scalar(const char *type, const char *text)
{
	int64_t integer;
	double real;
	if (text_equal(type, "boolean"))
		return json_boolean(text_equal(text, "1") || text_equal(text, "true"));
	if (text_equal(type, "nil"))
		return json_null();
	if (text_equal(type, "double"))
		return text_to_double(text, &real) == 0 ? json_real(real) : json_string(text);
	if (text_equal(type, "int") || text_equal(type, "i4") || text_equal(type, "i8"))
		return text_to_int64(text, &integer) == 0 ? json_integer(integer) : json_string(text);
	return json_string(text);
}

static bool is_scalar_type(const char *name)
{
	static const char *const types[] = {"string", "int",    "i4",  "i8", "boolean",
					    "double", "base64", "nil", NULL};
	for (const char *const *type = types; *type; type++)
		if (text_equal(name, *type))
			return true;
	return text_equal(name, "dateTime.iso8601");
}

static const char *text_of(const struct reader *reader)
{
	return reader->text.data ? reader->text.data : "";
}

/* The value is complete: it goes to the level above it, or is the response's. */
static void close_value(struct reader *reader)
{
	struct level *level = top(reader);
	if (!level)
		return;
	json_t *value = level->container ? TAKE(level->container) : TAKE(level->scalar);
	free(TAKE(level->name));
	/* A value without a type is a string. */
	if (!value)
		value = json_string(text_of(reader));
	reader->depth--;
	struct level *above = top(reader);
	if (!above) {
		json_decref(reader->value);
		reader->value = value;
	} else if (json_is_array(above->container)) {
		json_array_append_new(above->container, value);
	} else if (json_is_object(above->container) && above->name) {
		json_object_set_new(above->container, above->name, value);
	} else {
		json_decref(value);
		reject(reader, "a value stands where none may");
	}
	buffer_clear(&reader->text);
}

static void on_close(void *data, const XML_Char *name)
{
	struct reader *reader = data;
	struct level *level = top(reader);
	if (text_equal(name, "value")) {
		close_value(reader);
		return;
	}
	if (level && text_equal(name, "name")) {
		free(level->name);
		level->name = strdup(text_of(reader));
	} else if (level && is_scalar_type(name) && !level->container && !level->scalar) {
		level->scalar = read_scalar(name, text_of(reader));
	}
	buffer_clear(&reader->text);
}

static void on_text(void *data, const XML_Char *text, int length)
{
	struct reader *reader = data;
	if (buffer_append(&reader->text, text, (size_t) length) < 0)
		reject(reader, "there is no memory for it");
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
		       int has_internal_subset)
{
	(void) name;
	(void) system_id;
	(void) public_id;
	(void) has_internal_subset;
	reject(data, "it has a document type");
}

static void finish(struct reader *reader)
{
	for (size_t i = 0; i < reader->depth; i++) {
		json_decref(reader->levels[i].container);
		json_decref(reader->levels[i].scalar);
		free(reader->levels[i].name);
	}
	json_decref(reader->value);
	buffer_finish(&reader->text);
	XML_ParserFree(reader->parser);
}

static int take_response(struct reader *reader, struct xmlrpc_response *ret_response, struct error *error)
{
	if (!reader->fault && (!reader->has_response || !reader->value))
		reader->fault = "it holds no response";
	if (reader->fault)
		return error_set(error, -EBADMSG, "emulator_error", "this is no XML-RPC response: %s",
				 reader->fault);
	*ret_response = (struct xmlrpc_response){.value = TAKE(reader->value), .is_fault = reader->is_fault};
	return 0;
}

int xmlrpc_decode_response(const char *bytes, size_t length, struct xmlrpc_response *ret_response,
			   struct error *error)
{
	struct reader reader = {.parser = XML_ParserCreate("UTF-8")};
	if (!reader.parser)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (length > INT32_MAX) {
		finish(&reader);
		return error_set(error, -EBADMSG, "emulator_error", "this is no XML-RPC response: too long");
	}
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_open, on_close);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	if (XML_Parse(reader.parser, bytes, (int) length, XML_TRUE) != XML_STATUS_OK && !reader.fault)
		reader.fault = XML_ErrorString(XML_GetErrorCode(reader.parser));
	int result = take_response(&reader, ret_response, error);
	finish(&reader);
	return result;
}

void xmlrpc_response_finish(struct xmlrpc_response *response)
{
	json_decref(response->value);
	response->value = NULL;
}
