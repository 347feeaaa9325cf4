#pragma once

/* One configuration file as a tree with marks, whether it is written as YAML or as JSON. */

#include "core/config/findings.h"

#include <jansson.h>
#include <stddef.h>

enum {
	DOCUMENT_MAX_BYTES = 4 * 1024 * 1024,
	DOCUMENT_MAX_DEPTH = 64,
	/* What all values together may weigh once aliases are unfolded: so much each, and the length of
	   strings. */
	DOCUMENT_NODE_WEIGHT = 16,
	DOCUMENT_MAX_WEIGHT = 16 * 1024 * 1024,
};

struct document {
	char *file;
	json_t *root; /* an object */
	json_t *marks;
};

/* Why a text is not YAML, or not JSON. */
struct syntax_error {
	size_t line;
	char message[256];
};

void document_finish(struct document *document);

/* text[length] is NUL. 0, or negative with errors added. A text without any value is an empty map. */
int document_parse(struct document *document, const char *file, const char *text, size_t length,
		   struct findings *findings);

struct place document_place(const struct document *document);

/* "a string", "an integer", ... for messages. */
const char *document_type_name(const json_t *value);
