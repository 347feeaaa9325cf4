#include "core/emulators/renode/value.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/emulators/renode/names.h"

#include <stdlib.h>
#include <string.h>

static bool is_listed(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (text_equal(name, *names))
			return true;
	return false;
}

static bool is_text_type(const char *type)
{
	static const char *const types[] = {"String", "Char", NULL};
	return is_listed(type, types);
}

static bool is_integer_type(const char *type)
{
	static const char *const types[] = {"Byte",   "SByte", "Int16",  "UInt16", "Int32",
					    "UInt32", "Int64", "UInt64", NULL};
	return is_listed(type, types);
}

static json_t *unsigned_value(uint64_t value)
{
	char digits[32];
	if (value <= INT64_MAX)
		return json_integer((json_int_t) value);
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long) value);
	return json_string(digits);
}

static bool parse_hexadecimal(const char *text, uint64_t *ret_value)
{
	size_t length = text_starts_with(text, "0x") ? strlen(text + 2) : 0;
	if (length == 0 || strspn(text + 2, "0123456789abcdefABCDEF") != length)
		return false;
	for (text += 2; *text == '0' && text[1]; text++)
		;
	if (strlen(text) > 16)
		return false;
	*ret_value = strtoull(text, NULL, 16);
	return true;
}

json_t *renode_value_parse(const char *text, const char *type)
{
	uint64_t positive;
	int64_t integer;
	double real;
	bool is_enumeration = strstr(text, "Possible values are:");
	cleanup_free char *value = strndup(text, strcspn(text, "\r\n"));
	if (!value)
		return NULL;
	if (is_text_type(type))
		return json_string(text);
	if (is_enumeration)
		return json_string(value);
	if (text_equal(text, "True") || text_equal(text, "False"))
		return json_boolean(text[0] == 'T');
	if (parse_hexadecimal(text, &positive) || text_to_uint64(text, &positive) == 0)
		return unsigned_value(positive);
	if (text_to_int64(text, &integer) == 0)
		return json_integer(integer);
	if (text_to_double(text, &real) == 0)
		return json_real(real);
	return json_string(text);
}

static bool is_number(const char *text)
{
	text += *text == '-';
	size_t digits = strspn(text, "0123456789");
	uint64_t value;
	return (digits > 0 && text[digits] == '\0') || parse_hexadecimal(text, &value);
}

static char *quote(const char *text, struct error *error)
{
	cleanup_buffer struct buffer quoted = {0};
	int result = buffer_append_text(&quoted, "\"");
	for (; *text && !result; text++) {
		if ((unsigned char) *text < ' ' || *text == 0x7f) {
			error_set(error, -EINVAL, "invalid_value",
				  "Renode's monitor takes no control characters in a string");
			return NULL;
		}
		if (*text == '"' || *text == '\\')
			result = buffer_append_text(&quoted, "\\");
		if (!result)
			result = buffer_append(&quoted, text, 1);
	}
	if (!result)
		result = buffer_append_text(&quoted, "\"");
	char *words = result ? NULL : buffer_take_text(&quoted);
	if (!words)
		error_set(error, -ENOMEM, NULL, "no memory");
	return words;
}

char *renode_value_format(const json_t *value, const char *type, struct error *error)
{
	const char *text = json_string_value(value);
	char *words = NULL;
	bool is_word = text && !is_text_type(type) && renode_is_member_name(text);
	if (is_word || (text && is_integer_type(type) && is_number(text)))
		words = strdup(text);
	else if (text)
		return quote(text, error);
	else if (json_is_boolean(value))
		words = strdup(json_is_true(value) ? "true" : "false");
	else if (json_is_number(value))
		words = json_dumps(value, JSON_ENCODE_ANY);
	else {
		error_set(error, -EINVAL, "invalid_value",
			  "Renode's properties are numbers, booleans and strings");
		return NULL;
	}
	if (!words)
		error_set(error, -ENOMEM, NULL, "no memory");
	return words;
}
