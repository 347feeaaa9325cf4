#include "support.h"

#include <stdlib.h>
#include <string.h>

json_t *find(const char *bytes, size_t length, size_t chunk)
{
	struct error error;
	struct cases *cases = cases_create(&error);
	assert_non_null(cases);
	for (size_t at = 0, part; at < length; at += part) {
		part = chunk && chunk < length - at ? chunk : length - at;
		/* A copy of its own, so that a read beyond it is seen. */
		char *piece = malloc(part);
		memcpy(piece, bytes + at, part);
		assert_int_equal(cases_feed(cases, piece, part, &error), 0);
		free(piece);
	}
	assert_int_equal(cases_end(cases, &error), 0);
	json_t *found = cases_to_json(cases);
	assert_non_null(found);
	cases_destroy(cases);
	return found;
}

void expect_cases(const json_t *wanted, json_t *found, const char *what)
{
	if (!json_equal(wanted, found)) {
		char *left = json_dumps(wanted, JSON_INDENT(1)), *right = json_dumps(found, JSON_INDENT(1));
		print_error("%s: wanted %s\nfound %s\n", what, left, right);
		free(left);
		free(right);
		fail();
	}
	json_decref(found);
}

const char *case_text(const json_t *cases, size_t index, const char *key)
{
	const json_t *found = json_array_get(cases, index);
	assert_non_null(found);
	const char *text = json_string_value(json_object_get(found, key));
	return text ? text : "";
}
