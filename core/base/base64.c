#include "core/base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	if (length > SIZE_MAX / 2)
		return NULL;
	char *text = malloc((length + 2) / 3 * 4 + 1);
	if (!text)
		return NULL;
	char *out = text;
	for (size_t at = 0; at < length; at += 3) {
		size_t rest = length - at;
		uint32_t group = (uint32_t) bytes[at] << 16;
		group |= rest > 1 ? (uint32_t) bytes[at + 1] << 8 : 0;
		group |= rest > 2 ? bytes[at + 2] : 0;
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = rest > 1 ? alphabet[group >> 6 & 63] : '=';
		*out++ = rest > 2 ? alphabet[group & 63] : '=';
	}
	*out = '\0';
	return text;
}

static int value_of(char c)
{
	const char *found = c ? strchr(alphabet, c) : NULL;
	return found ? (int) (found - alphabet) : -1;
}

int base64_decode(const char *text, size_t text_length, void **ret_data, size_t *ret_length)
{
	if (text_length % 4)
		return -EINVAL;
	size_t padding = 0;
	while (padding < 2 && padding < text_length && text[text_length - 1 - padding] == '=')
		padding++;
	unsigned char *data = malloc(text_length / 4 * 3 + 1);
	if (!data)
		return -ENOMEM;
	size_t length = 0;
	uint32_t group = 0;
	for (size_t at = 0; at < text_length; at++) {
		int value = at >= text_length - padding ? 0 : value_of(text[at]);
		if (value < 0) {
			free(data);
			return -EINVAL;
		}
		group = group << 6 | (uint32_t) value;
		if (at % 4 != 3)
			continue;
		data[length++] = (unsigned char) (group >> 16);
		data[length++] = (unsigned char) (group >> 8);
		data[length++] = (unsigned char) group;
	}
	*ret_data = data;
	*ret_length = length - padding;
	return 0;
}
