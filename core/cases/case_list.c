#include "core/cases/case_list.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

static void finish(struct case_kept *kept)
{
	free(kept->suite);
	free(kept->name);
	free(kept->message);
}

void case_list_finish(struct case_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		finish(&list->cases[i]);
	free(list->cases);
}

/* Visible, without line breaks, cut at CASE_NAME_BYTES; caller frees. */
static char *to_name(struct span name)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	char *text = text_to_visible(name.text, span_first(name, CASE_NAME_BYTES + 1).length);
	if (!text || strlen(text) <= CASE_NAME_BYTES)
		return text;
	size_t end = CASE_NAME_BYTES - strlen(ellipsis);
	while (((unsigned char) text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, ellipsis, sizeof(ellipsis));
	return text;
}

/* What is to be told of the text; *ret_message NULL: nothing. */
static int to_message(struct case_list *list, const struct case_text *text, char **ret_message)
{
	*ret_message = NULL;
	if (!text || text->kept.length == 0)
		return 0;
	if (list->text_bytes > CASES_TEXT_BYTES) {
		*ret_message = strdup("(left out: the messages of the cases before fill the room for them)");
		return *ret_message ? 0 : -ENOMEM;
	}
	cleanup_free char *visible = text_to_visible(text->kept.data, text->kept.length);
	if (visible && text->left_out)
		*ret_message = text_format("%s\n(cut: %zu bytes more)", visible, text->left_out);
	else
		*ret_message = TAKE(visible);
	if (!*ret_message)
		return -ENOMEM;
	list->text_bytes += strlen(*ret_message);
	return 0;
}

static int reserve(struct case_list *list)
{
	if (list->count < list->capacity)
		return 0;
	size_t capacity = list->capacity ? 2 * list->capacity : 16;
	struct case_kept *cases = reallocarray(list->cases, capacity, sizeof(*cases));
	if (!cases)
		return -ENOMEM;
	list->cases = cases;
	list->capacity = capacity;
	return 0;
}

int case_list_add(struct case_list *list, const struct case_found *found)
{
	if (list->count >= CASES_MOST) {
		list->left_out++;
		list->left_out_bad += found->result == CASE_FAILED || found->result == CASE_ERROR;
		return 0;
	}
	struct case_kept kept = {.suite = to_name(found->suite),
				 .name = to_name(found->name),
				 .result = found->result,
				 .seconds = found->seconds,
				 .counts = found->counts};
	if (!kept.suite || !kept.name || to_message(list, found->text, &kept.message) < 0 ||
	    reserve(list) < 0) {
		finish(&kept);
		return -ENOMEM;
	}
	list->cases[list->count++] = kept;
	return 0;
}

int case_list_put_below(struct case_list *list, size_t first, const bool *counts, struct span suite)
{
	cleanup_free char *above = to_name(suite);
	for (size_t i = first; above && i < list->count; i++) {
		struct case_kept *kept = &list->cases[i];
		if (kept->counts != counts)
			continue;
		cleanup_free char *path =
		    kept->suite[0] ? text_format("%s > %s", above, kept->suite) : strdup(above);
		char *name = path ? to_name(span_of(path)) : NULL;
		if (!name)
			return -ENOMEM;
		free(kept->suite);
		kept->suite = name;
	}
	return above ? 0 : -ENOMEM;
}

void case_list_drop(struct case_list *list, const bool *counts)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (list->cases[i].counts == counts && !*counts)
			finish(&list->cases[i]);
		else
			list->cases[kept++] = list->cases[i];
	}
	list->count = kept;
}

static int append(json_t *array, const struct case_kept *kept)
{
	static const char *const results[] = {"passed", "failed", "skipped", "error"};
	cleanup_json json_t *value =
	    json_pack("{s:s, s:s, s:s, s:s*}", "suite", kept->suite, "name", kept->name, "result",
		      results[kept->result], "message", kept->message);
	if (!value)
		return -ENOMEM;
	if (kept->seconds >= 0 && json_object_set_new(value, "duration", json_real(kept->seconds)) < 0)
		return -ENOMEM;
	return json_array_append(array, value) < 0 ? -ENOMEM : 0;
}

json_t *case_list_to_json(const struct case_list *list)
{
	cleanup_json json_t *array = json_array();
	for (size_t i = 0; array && i < list->count; i++)
		if ((!list->cases[i].counts || *list->cases[i].counts) && append(array, &list->cases[i]) < 0)
			return NULL;
	if (!array || !list->left_out)
		return TAKE(array);
	cleanup_free char *message = text_format("%zu more, of which %zu failed: a run tells %d at most",
						 list->left_out, list->left_out_bad, CASES_MOST);
	struct case_kept rest = {.suite = (char *) "",
				 .name = (char *) "more test cases",
				 .message = message,
				 .result = list->left_out_bad ? CASE_FAILED : CASE_PASSED,
				 .seconds = -1};
	return message && append(array, &rest) == 0 ? TAKE(array) : NULL;
}
