#include "core/base/shared_text.h"

#include <stdlib.h>

struct shared_text *shared_text_create(char *bytes, size_t length)
{
	struct shared_text *text = bytes ? calloc(1, sizeof(*text)) : NULL;
	if (!text) {
		free(bytes);
		return NULL;
	}
	text->references = 1;
	text->length = length;
	text->bytes = bytes;
	return text;
}

struct shared_text *shared_text_ref(struct shared_text *text)
{
	text->references++;
	return text;
}

void shared_text_unref(struct shared_text *text)
{
	if (!text || --text->references > 0)
		return;
	free(text->bytes);
	free(text);
}
