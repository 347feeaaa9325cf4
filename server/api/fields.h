#pragma once

/* Checking a JSON body: every offending field is named in one answer. */

#include "server/http/request.h"

#include <jansson.h>
#include <stdbool.h>

enum field_type {
	FIELD_STRING,
	FIELD_BOOLEAN,
	FIELD_NUMBER,
	FIELD_INTEGER,
	FIELD_LIST,
	FIELD_OBJECT,
	FIELD_STRING_LIST,
	FIELD_STRING_MAP,
	FIELD_FILE, /* {"path"}, {"sha256"} or a string */
	FIELD_ANY
};

struct field {
	const char *name; /* NULL ends the table */
	enum field_type type;
	bool required;
};

/* Collects what is wrong. Zero-initialised is clean. */
struct field_faults {
	json_t *list;    /* [{"pointer","detail"}], NULL: none */
	bool is_meaning; /* no fault of form, only of meaning: 422 instead of 400 */
	bool is_form;
};

void field_faults_add(struct field_faults *faults, bool is_meaning, const char *pointer,
		      const char *detail_format, ...) __attribute__((format(printf, 4, 5)));
/* True where there is none; else false and the problem (400 invalid_request or 422 invalid_value) was
 * replied. */
bool field_faults_reply(struct field_faults *faults, struct request *request);
/* The same with this code, which says more than invalid_value. */
bool field_faults_reply_as(struct field_faults *faults, struct request *request, const char *code);

/* Unknown, missing and mistyped members of object, below pointer_prefix (""). */
void fields_check(const json_t *object, const struct field *fields, const char *pointer_prefix,
		  struct field_faults *faults);
