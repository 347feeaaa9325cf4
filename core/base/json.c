#include "core/base/json.h"

#include "core/base/buffer.h"
#include "core/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Passes over a string literal; returns where it ends (behind the closing quote, or the end of the text). */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length; at++) {
		if (text[at] == '\\')
			at++;
		else if (text[at] == '"')
			return at + 1;
	}
	return length;
}

/* True if the token (which need not be terminated) is an integer that does not fit into 64 bits, signed. */
static bool is_wide_integer(const char *token, size_t length)
{
	bool negative = token[0] == '-';
	size_t digits = length - negative;
	if (digits < 19 || token[negative] == '0')
		return false;
	for (size_t at = negative; at < length; at++)
		if (token[at] < '0' || token[at] > '9')
			return false;
	char copy[24];
	int64_t value;
	if (digits > 19)
		return true;
	memcpy(copy, token, length);
	copy[length] = '\0';
	return text_to_int64(copy, &value) == -ERANGE;
}

/* Copies the text with wide integers put into quotes. *ret_any tells whether there were any; only then the
 * copy is made. */
static int quote_wide_integers(const char *text, size_t length, struct buffer *out, bool *ret_any)
{
	size_t copied = 0;
	for (size_t at = 0; at < length;) {
		if (text[at] == '"') {
			at = skip_string(text, length, at);
			continue;
		}
		if (text[at] != '-' && (text[at] < '0' || text[at] > '9')) {
			at++;
			continue;
		}
		size_t start = at;
		while (at < length && text[at] && strchr("+-.eE0123456789", text[at]))
			at++;
		if (!is_wide_integer(text + start, at - start))
			continue;
		if (buffer_append(out, text + copied, start - copied) < 0 ||
		    buffer_append(out, "\"", 1) < 0 || buffer_append(out, text + start, at - start) < 0 ||
		    buffer_append(out, "\"", 1) < 0)
			return -ENOMEM;
		copied = at;
	}
	*ret_any = copied > 0;
	return copied ? buffer_append(out, text + copied, length - copied) : 0;
}

json_t *json_parse(const char *text, size_t length, struct error *error)
{
	cleanup_buffer struct buffer quoted = {0};
	bool any_wide = false;
	if (quote_wide_integers(text, length, &quoted, &any_wide) < 0) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	json_error_t fault;
	json_t *json = json_loadb(any_wide ? quoted.data : text, any_wide ? quoted.length : length,
				  JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &fault);
	if (!json)
		error_set(error, -EINVAL, "invalid_json", "not valid JSON at line %d, column %d: %s",
			  fault.line, fault.column, fault.text);
	return json;
}

/* Fifteen digits say a real as it was written (0.041); only what would not read back the same needs
 * seventeen. */
static size_t real_digits(const json_t *json)
{
	size_t most = 15;
	if (json_is_real(json)) {
		char text[32];
		snprintf(text, sizeof(text), "%.15g", json_real_value(json));
		return strtod(text, NULL) == json_real_value(json) ? 15 : 17;
	}
	for (size_t i = 0; i < json_array_size(json) && most == 15; i++)
		most = real_digits(json_array_get(json, i));
	const char *key;
	json_t *member;
	json_object_foreach ((json_t *) json, key, member)
		if (most == 15)
			most = real_digits(member);
	return most;
}

char *json_to_text(const json_t *json)
{
	return json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(real_digits(json)));
}

const char *json_member_string(const json_t *object, const char *key, const char *fallback)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : fallback;
}

json_int_t json_member_integer(const json_t *object, const char *key, json_int_t fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double json_member_real(const json_t *object, const char *key, double fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_number(value) ? json_number_value(value) : fallback;
}

bool json_member_boolean(const json_t *object, const char *key, bool fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

json_t *json_text(const char *bytes, size_t length)
{
	cleanup_free char *text = text_to_utf8(bytes, length);
	return text ? json_string(text) : NULL;
}

json_t *json_text_of(const char *text)
{
	return text ? json_text(text, strlen(text)) : json_null();
}

void json_add_fault(json_t **list, const char *pointer, const char *detail)
{
	if (!*list)
		*list = json_array();
	json_array_append_new(
	    *list, json_pack("{s:o, s:o}", "pointer", json_text_of(pointer), "detail", json_text_of(detail)));
}

char **json_to_text_vector(const json_t *array)
{
	if (!json_is_array(array))
		return NULL;
	/* In one piece: appending looks for the end each time, and a list may be as long as its writer
	 * likes. */
	char **vector = calloc(json_array_size(array) + 1, sizeof(char *));
	size_t index;
	json_t *item;
	json_array_foreach (array, index, item) {
		const char *text = json_string_value(item);
		if (!vector || !text || !(vector[index] = strdup(text))) {
			text_vector_free(vector);
			return NULL;
		}
	}
	return vector;
}

json_t *json_from_text_vector(const char *const *vector)
{
	json_t *array = json_array();
	for (; array && vector && *vector; vector++)
		json_array_append_new(array, json_string(*vector));
	return array;
}
