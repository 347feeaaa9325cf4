/* The first byte says in what pieces the console comes. Whatever it holds, the cases are the same when it
 * comes as a whole, in pieces and byte by byte, and their text is bounded UTF-8. */

#include "core/base/text.h"
#include "core/cases/cases.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

static json_t *find(const uint8_t *bytes, size_t length, size_t piece)
{
	struct cases *cases = cases_create(NULL);
	expect(cases != NULL);
	for (size_t at = 0, count; at < length; at += count) {
		count = piece < length - at ? piece : length - at;
		expect(cases_feed(cases, bytes + at, count, NULL) == 0);
	}
	expect(cases_end(cases, NULL) == 0);
	json_t *found = cases_to_json(cases);
	expect(found != NULL);
	cases_destroy(cases);
	return found;
}

static const char *text_of(const json_t *found, const char *key, size_t most)
{
	const json_t *value = json_object_get(found, key);
	const char *text = json_string_value(value);
	if (!text)
		return NULL;
	expect(json_string_length(value) == strlen(text) && text_is_utf8(text, strlen(text)));
	expect(strlen(text) <= most);
	return text;
}

static void check(const json_t *found)
{
	static const char *const results[] = {"passed", "failed", "skipped", "error"};
	const char *result = text_of(found, "result", 16);
	int is_known = 0;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		is_known |= text_equal(result, results[i]);
	expect(is_known);
	expect(text_of(found, "suite", CASE_NAME_BYTES) != NULL);
	expect(text_of(found, "name", CASE_NAME_BYTES) != NULL);
	text_of(found, "message", 4 * CASE_MESSAGE_BYTES + 64);
	expect(json_real_value(json_object_get(found, "duration")) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	json_t *whole = find(data + 1, size - 1, SIZE_MAX);
	json_t *pieces = find(data + 1, size - 1, data[0] ? data[0] : 1);
	json_t *bytes = find(data + 1, size - 1, 1);
	size_t index;
	const json_t *found;
	json_array_foreach (whole, index, found)
		check(found);
	expect(json_equal(whole, pieces) && json_equal(whole, bytes));
	json_decref(whole);
	json_decref(pieces);
	json_decref(bytes);
	return 0;
}
