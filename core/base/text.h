#pragma once

/* Text: formatting to the heap, UTF-8, identifiers, numbers, vectors of strings. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A formatted string the caller frees; NULL: no memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts_with(const char *text, const char *prefix);

/* True if the bytes are well-formed UTF-8 without NUL. */
bool text_is_utf8(const char *text, size_t length);

/* A copy in which everything that is not well-formed UTF-8 (and NUL) is U+FFFD. Caller frees; NULL: no
 * memory. */
char *text_to_utf8(const char *bytes, size_t length);

/* A copy that XML 1.0 can hold: every other byte (controls but tab and newline, what is not well-formed
 * UTF-8, U+FFFE and U+FFFF) is \xNN. Caller frees; NULL: no memory. */
char *text_to_visible(const char *bytes, size_t length);

/* True for an instance id: [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
bool text_is_id(const char *text);

/* The whole of text as a decimal number, else -EINVAL, -ERANGE. *ret_value untouched on failure. */
int text_to_int64(const char *text, int64_t *ret_value);
int text_to_uint64(const char *text, uint64_t *ret_value);
int text_to_double(const char *text, double *ret_value); /* finite only, "." whatever the locale */

/* The candidate (NULL-terminated vector) nearest to text by edit distance, or NULL if none is near. */
const char *text_nearest(const char *text, const char *const *candidates);

/* NULL-terminated vectors of owned strings. */
void text_vector_free(char **vector);
size_t text_vector_length(char *const *vector);
/* Appends a copy; 0 or -ENOMEM. *vector may be NULL. */
int text_vector_append(char ***vector, const char *text);
char **text_vector_copy(const char *const *vector);

static inline void cleanup_text_vector_free(char ***vector)
{
	text_vector_free(*vector);
}
#define cleanup_text_vector __attribute__((__cleanup__(cleanup_text_vector_free)))
