#include "core/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void text_vector_free(char **vector)
{
	if (!vector)
		return;
	for (char **text = vector; *text; text++)
		free(*text);
	free(vector);
}

size_t text_vector_length(char *const *vector)
{
	size_t length = 0;
	while (vector && vector[length])
		length++;
	return length;
}

int text_vector_append(char ***vector, const char *text)
{
	size_t length = text_vector_length(*vector);
	char *copy = strdup(text);
	char **grown = copy ? reallocarray(*vector, length + 2, sizeof(char *)) : NULL;
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[length] = copy;
	grown[length + 1] = NULL;
	*vector = grown;
	return 0;
}

char **text_vector_copy(const char *const *vector)
{
	size_t length = text_vector_length((char *const *) vector);
	char **copy = calloc(length + 1, sizeof(char *));
	for (size_t i = 0; copy && i < length; i++) {
		if (!(copy[i] = strdup(vector[i]))) {
			text_vector_free(copy);
			return NULL;
		}
	}
	return copy;
}
