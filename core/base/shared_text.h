#pragma once

/* Text with several owners, which never changes: what is told to many is made once. */

#include <stddef.h>

struct shared_text {
	size_t references;
	size_t length;
	char *bytes;
	char tag[24]; /* of the content, for whoever serves it to note; empty: not noted yet */
};

/* Takes bytes (malloc'd; NULL: no memory). One reference; NULL: no memory, and bytes are freed. */
struct shared_text *shared_text_create(char *bytes, size_t length);
struct shared_text *shared_text_ref(struct shared_text *text);
void shared_text_unref(struct shared_text *text); /* takes NULL */
