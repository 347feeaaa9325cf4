#include "core/config/yaml_scalar.h"

#include "core/base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (text_equal(text, *words))
			return true;
	return false;
}

static bool consists_of(const char *text, const char *characters)
{
	return text[0] && strspn(text, characters) == strlen(text);
}

static json_t *resolve_integer(const char *text)
{
	bool is_octal = text_starts_with(text, "0o") && consists_of(text + 2, "01234567");
	bool is_hexadecimal = text_starts_with(text, "0x") && consists_of(text + 2, DIGITS "abcdefABCDEF");
	const char *unsigned_text = text + (text[0] == '-' || text[0] == '+');
	int base = is_octal ? 8 : is_hexadecimal ? 16 : 10;
	if (base == 10 && !consists_of(unsigned_text, DIGITS))
		return NULL;
	errno = 0;
	long long value = strtoll(base == 10 ? text : text + 2, NULL, base);
	return errno ? NULL : json_integer(value);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
	text += text[0] == '-' || text[0] == '+';
	size_t before = strspn(text, DIGITS);
	text += before;
	size_t after = text[0] == '.' ? strspn(text + 1, DIGITS) : 0;
	text += text[0] == '.' ? 1 + after : 0;
	if (before + after == 0)
		return false;
	if (text[0] == 'e' || text[0] == 'E') {
		text += 1 + (text[1] == '-' || text[1] == '+');
		return consists_of(text, DIGITS);
	}
	return text[0] == '\0';
}

static json_t *resolve_real(const char *text)
{
	double value;
	if (!is_real(text) || text_to_double(text, &value) < 0)
		return NULL;
	return json_real(value);
}

json_t *yaml_scalar_resolve(const char *text, size_t length)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, trues))
		return json_true();
	if (is_one_of(text, falses))
		return json_false();
	json_t *number = resolve_integer(text);
	if (!number && !consists_of(text + (text[0] == '-' || text[0] == '+'), DIGITS))
		number = resolve_real(text);
	return number ? number : json_stringn(text, length);
}
