#include "server/http/field.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

/* The next element of a comma-separated list: its start with *ret_length, blanks cut; NULL at the end. */
static const char *next_element(const char **list, size_t *ret_length)
{
	const char *start = *list + strspn(*list, " \t,");
	if (!*start)
		return NULL;
	size_t length = strcspn(start, ",");
	*list = start + length;
	while (length && strchr(blanks, start[length - 1]))
		length--;
	*ret_length = length;
	return start;
}

static bool is_token(const char *text, size_t length, const char *token)
{
	return length == strlen(token) && strncasecmp(text, token, length) == 0;
}

/* True unless the element bears a weight of zero: ";q=0", ";q=0.000". */
static bool has_weight(const char *element, size_t length)
{
	const char *end = element + length;
	const char *weight = memchr(element, ';', length);
	if (!weight)
		return true;
	for (weight++; weight < end && strchr(blanks, *weight); weight++)
		;
	if (end - weight < 3 || (*weight | 0x20) != 'q' || weight[1] != '=')
		return true;
	for (weight += 2; weight < end; weight++)
		if (*weight >= '1' && *weight <= '9')
			return true;
	return false;
}

bool field_accepts_gzip(const char *accept_encoding)
{
	if (!accept_encoding)
		return false;
	bool any = false;
	size_t length;
	for (const char *element; (element = next_element(&accept_encoding, &length));) {
		size_t name = strcspn(element, " \t;,");
		if (is_token(element, name, "gzip") || is_token(element, name, "x-gzip"))
			return has_weight(element, length);
		if (is_token(element, name, "*"))
			any = has_weight(element, length);
	}
	return any;
}

static const char *without_weakness(const char *tag, size_t *length)
{
	if (*length < 2 || tag[0] != 'W' || tag[1] != '/')
		return tag;
	*length -= 2;
	return tag + 2;
}

bool field_matches_tag(const char *if_none_match, const char *tag)
{
	if (!if_none_match)
		return false;
	size_t tag_length = strlen(tag);
	tag = without_weakness(tag, &tag_length);
	size_t length;
	for (const char *element; (element = next_element(&if_none_match, &length));) {
		if (length == 1 && *element == '*')
			return true;
		element = without_weakness(element, &length);
		if (length == tag_length && memcmp(element, tag, length) == 0)
			return true;
	}
	return false;
}

bool field_is_media_type(const char *content_type, const char *media_type)
{
	if (!content_type)
		return false;
	content_type += strspn(content_type, blanks);
	return is_token(content_type, strcspn(content_type, " \t;"), media_type);
}

/* A media type, or a range of them, by its very name. */
static bool has_range(const char *accept, const char *range)
{
	size_t length;
	for (const char *element; (element = next_element(&accept, &length));)
		if (is_token(element, strcspn(element, " \t;,"), range))
			return has_weight(element, length);
	return false;
}

bool field_names_media_type(const char *accept, const char *media_type)
{
	return accept && has_range(accept, media_type);
}

bool field_accepts_media_type(const char *accept, const char *media_type)
{
	char range[64];
	snprintf(range, sizeof(range), "%.*s/*", (int) strcspn(media_type, "/"), media_type);
	return !accept || field_names_media_type(accept, media_type) || has_range(accept, range) ||
	       has_range(accept, "*/*");
}

bool field_has_token(const char *list, const char *token)
{
	if (!list)
		return false;
	size_t length;
	for (const char *element; (element = next_element(&list, &length));)
		if (is_token(element, length, token))
			return true;
	return false;
}

/* Copies a quoted string or token that starts at text; returns where it ends, NULL if it does not fit or
 * end. */
static const char *read_value(const char *text, char *out, size_t out_size)
{
	size_t used = 0;
	bool quoted = *text == '"';
	if (quoted)
		text++;
	for (; *text && (quoted ? *text != '"' : !strchr("; \t", *text)); text++) {
		/* Browsers send a backslash in a file's name as it is; only these two can be escaped. */
		if (quoted && *text == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		if (used + 1 >= out_size)
			return NULL;
		out[used++] = *text;
	}
	if (quoted && *text++ != '"')
		return NULL;
	out[used] = '\0';
	return text;
}

bool field_parameter(const char *field, const char *name, char *out, size_t out_size)
{
	if (!field || !out_size)
		return false;
	char value[1024];
	const char *at = field + strcspn(field, ";");
	while (*at == ';') {
		at++;
		at += strspn(at, blanks);
		size_t length = strcspn(at, "=; \t");
		const char *parameter = at;
		at += length;
		if (*at != '=') {
			at += strcspn(at, ";");
			continue;
		}
		at = read_value(at + 1, value, sizeof(value));
		if (!at)
			return false;
		if (is_token(parameter, length, name)) {
			if (strlen(value) >= out_size)
				return false;
			memcpy(out, value, strlen(value) + 1);
			return true;
		}
		at += strcspn(at, ";");
	}
	return false;
}
