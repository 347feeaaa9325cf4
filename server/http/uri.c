#include "server/http/uri.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

int uri_decode(char *text, bool plus_is_space)
{
	char *out = text;
	for (const char *in = text; *in; in++) {
		if (*in == '+' && plus_is_space) {
			*out++ = ' ';
			continue;
		}
		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		int high = hex_digit(in[1]);
		int low = high < 0 ? -1 : hex_digit(in[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		*out++ = (char) (high << 4 | low);
		in += 2;
	}
	*out = '\0';
	return text_is_utf8(text, (size_t) (out - text)) ? 0 : -EINVAL;
}

static int parse_parameter(char *item, struct uri_parameter *ret_parameter, struct error *error)
{
	char *equals = strchr(item, '=');
	char *value = equals ? equals + 1 : item + strlen(item);
	if (equals)
		*equals = '\0';
	if (uri_decode(item, true) < 0)
		return error_set(error, -EINVAL, "invalid_parameter",
				 "the query has a parameter whose name is not percent-encoded UTF-8");
	if (uri_decode(value, true) < 0)
		return error_set(error, -EINVAL, "invalid_parameter",
				 "the value of query parameter %s is not percent-encoded UTF-8", item);
	*ret_parameter = (struct uri_parameter){.name = item, .value = value};
	return 0;
}

int uri_parse_query(char *query, struct uri_parameter **ret_parameters, size_t *ret_count,
		    struct error *error)
{
	size_t capacity = 1;
	for (const char *c = query; *c; c++)
		capacity += *c == '&';
	if (capacity > URI_PARAMETERS_MAX)
		return error_set(error, -EINVAL, "invalid_parameter", "more than %d query parameters",
				 URI_PARAMETERS_MAX);
	cleanup_free struct uri_parameter *parameters = calloc(capacity, sizeof(*parameters));
	if (!parameters)
		return error_set(error, -ENOMEM, NULL, "no memory");
	size_t count = 0;
	for (char *item; (item = strsep(&query, "&"));) {
		if (!*item)
			continue;
		int result = parse_parameter(item, &parameters[count], error);
		if (result < 0)
			return result;
		count++;
	}
	*ret_parameters = TAKE(parameters);
	*ret_count = count;
	return 0;
}
