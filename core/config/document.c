#include "core/config/document.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/config/mark.h"
#include "core/config/reader_json.h"
#include "core/config/reader_yaml.h"

#include <string.h>

void document_finish(struct document *document)
{
	free(document->file);
	json_decref(document->root);
	json_decref(document->marks);
	*document = (struct document){0};
}

struct place document_place(const struct document *document)
{
	return place_root(document->file, document->marks);
}

const char *document_type_name(const json_t *value)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "a map",       [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
	    [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number", [JSON_TRUE] = "a boolean",
	    [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
	};
	return names[json_typeof(value)];
}

/* The line of the first byte that is not UTF-8 text; 0: there is none. */
static size_t find_bad_line(const char *text, size_t length)
{
	size_t line = 1;
	for (const char *at = text, *end = text + length; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t) (end - at));
		const char *next = newline ? newline + 1 : end;
		if (!text_is_utf8(at, (size_t) (next - at)))
			return line;
		at = next;
	}
	return 0;
}

/* Whether what jansson says of a text that begins with a bracket is of use. Where a bare word follows, it is
 * YAML. */
static bool looks_like_json(const char *text)
{
	static const char blanks[] = " \t\r\n";
	text += strspn(text, blanks);
	text += 1 + strspn(text + 1, blanks);
	return strchr("\"{}[]", *text) != NULL;
}

static int parse_either(struct document *document, const char *text, size_t length, struct findings *findings)
{
	struct syntax_error json_error = {0}, yaml_error = {0};
	struct place place = place_root(document->file, NULL);
	char first = text[strspn(text, " \t\r\n")];
	bool may_be_json = first == '{' || first == '[';
	size_t errors_before = findings->error_count;
	if (may_be_json) {
		int result = reader_json_parse(text, length, &document->root, &document->marks, &json_error);
		if (!result)
			return 0;
		if (result != -EINVAL) {
			findings_error_at(findings, &place, json_error.line, "%s", json_error.message);
			return result;
		}
	}
	if (!reader_yaml_parse(text, length, document->file, &document->root, &document->marks, findings,
			       &yaml_error))
		return findings->error_count > errors_before ? -EINVAL : 0;
	const struct syntax_error *error = may_be_json && looks_like_json(text) ? &json_error : &yaml_error;
	findings_error_at(findings, &place, error->line, "%s", error->message);
	return -EINVAL;
}

int document_parse(struct document *document, const char *file, const char *text, size_t length,
		   struct findings *findings)
{
	struct place place = place_root(file, NULL);
	*document = (struct document){.file = strdup(file)};
	if (!document->file) {
		findings_out_of_memory(findings, &place);
		return -ENOMEM;
	}
	if (length > DOCUMENT_MAX_BYTES) {
		findings_error(findings, &place, "the file is larger than %d MiB", DOCUMENT_MAX_BYTES >> 20);
		return -EFBIG;
	}
	size_t bad_line = find_bad_line(text, length);
	if (bad_line) {
		findings_error_at(findings, &place, bad_line, "the file is not UTF-8 text");
		return -EINVAL;
	}
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	size_t skip = text_starts_with(text, byte_order_mark) ? strlen(byte_order_mark) : 0;
	int result = parse_either(document, text + skip, length - skip, findings);
	if (result < 0)
		return result;
	if (!json_is_object(document->root)) {
		findings_error_at(findings, &place, (size_t) mark_line(document->marks),
				  "the file must hold a map, not %s", document_type_name(document->root));
		return -EINVAL;
	}
	return 0;
}
