#include "core/patterns/pattern_set_internal.h"

#include "core/patterns/pattern_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* (*UTF) would stumble over bytes that are none. ^ behind a newline that is the last byte so far would else
 * miss what comes next. */
static const uint32_t compile_options = PCRE2_MULTILINE | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_UTF |
					PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;

static uint32_t ask(const pcre2_code *code, uint32_t what)
{
	uint32_t answer = 0;
	pcre2_pattern_info(code, what, &answer);
	return answer;
}

/* ---- compiling ---- */

static pcre2_code *compile(const char *regex, size_t length, struct error *error)
{
	int number;
	PCRE2_SIZE offset;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (!context) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
	pcre2_code *code =
	    pcre2_compile((PCRE2_SPTR) regex, length, compile_options, &number, &offset, context);
	pcre2_compile_context_free(context);
	if (code)
		return code;
	char words[256] = "";
	pcre2_get_error_message(number, (PCRE2_UCHAR *) words, sizeof(words));
	error_set(error, -EINVAL, "invalid_pattern", "%s, at offset %zu", words, offset);
	return NULL;
}

/*
 * Unless a pattern names \r or \n itself, PCRE2 does not let a match begin between the two (but where it was
 * told to look from), so the chunks would show in what matches. A newline that is taken no times makes it
 * name one. Where the text ends in a comment, that must be ended first.
 */
static pcre2_code *compile_everywhere(const char *regex, size_t length, bool is_quoted, struct error *error)
{
	static const char *const endings[] = {"\\n{0}", "\n\\n{0}"};
	pcre2_code *code = compile(regex, length, error);
	char text[PATTERN_REGEX_BYTES + 16];
	for (size_t i = 0; code && !ask(code, PCRE2_INFO_HASCRORLF) && i < 2; i++) {
		memcpy(text, regex, length);
		int added = snprintf(text + length, 16, "%s%s", is_quoted ? "\\E" : "", endings[i]);
		pcre2_code *other = compile(text, length + (size_t) added, NULL);
		if (!other || !ask(other, PCRE2_INFO_HASCRORLF)) {
			pcre2_code_free(other);
			continue;
		}
		pcre2_code_free(code);
		code = other;
	}
	return code;
}

static int check(const pcre2_code *code, struct error *error)
{
	if (ask(code, PCRE2_INFO_MATCHEMPTY))
		return error_set(
		    error, -EINVAL, "invalid_pattern",
		    "it can match without taking a byte, and so anywhere: make it ask for something");
	if (ask(code, PCRE2_INFO_CAPTURECOUNT) > PATTERN_GROUPS_MOST)
		return error_set(error, -EINVAL, "invalid_pattern",
				 "it has %u groups, %d at most: write (?:...) for those that need no capture",
				 ask(code, PCRE2_INFO_CAPTURECOUNT), PATTERN_GROUPS_MOST);
	return 0;
}

static enum pattern_places find_places(const pcre2_code *code)
{
	if (ask(code, PCRE2_INFO_ALLOPTIONS) & PCRE2_ANCHORED)
		return PLACES_FIRST;
	return ask(code, PCRE2_INFO_FIRSTCODETYPE) == 2 ? PLACES_LINES : PLACES_ANYWHERE;
}

static int make(const char *regex, size_t length, struct pattern *pattern, struct error *error)
{
	struct pattern_text text;
	if (length > PATTERN_REGEX_BYTES)
		return error_set(error, -EINVAL, "invalid_pattern", "it has %zu bytes, %d at most", length,
				 PATTERN_REGEX_BYTES);
	pattern_text_read(regex, length, &text);
	if (text.refused)
		return error_set(error, -EINVAL, "invalid_pattern",
				 "%s means nothing in a stream, at offset %zu", text.refused,
				 text.refused_at);
	pcre2_code *code = compile_everywhere(regex, length, text.is_quoted, error);
	if (!code)
		return -EINVAL;
	int result = check(code, error);
	if (result < 0) {
		pcre2_code_free(code);
		return result;
	}
	/* Where memory may not be executed this fails, and it is interpreted, which is slower. */
	if (!text.is_delicate)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
	*pattern = (struct pattern){
	    .code = code,
	    .places = find_places(code),
	    .lookbehind = ask(code, PCRE2_INFO_MAXLOOKBEHIND),
	    .groups = ask(code, PCRE2_INFO_CAPTURECOUNT),
	    .looks_ahead = text.looks_ahead,
	};
	return 0;
}

/* ---- the set ---- */

struct pattern_set *pattern_set_create(struct error *error)
{
	struct pattern_set *set = calloc(1, sizeof(*set));
	if (set)
		set->references = 1;
	else
		error_set(error, -ENOMEM, NULL, "no memory");
	return set;
}

struct pattern_set *pattern_set_ref(struct pattern_set *set)
{
	set->references++;
	return set;
}

void pattern_set_unref(struct pattern_set *set)
{
	if (!set || --set->references > 0)
		return;
	for (size_t i = 0; i < set->count; i++)
		pcre2_code_free(set->patterns[i].code);
	free(set->patterns);
	free(set);
}

int pattern_set_add(struct pattern_set *set, const char *regex, size_t length, struct error *error)
{
	struct pattern *patterns = reallocarray(set->patterns, set->count + 1, sizeof(*patterns));
	if (!patterns)
		return error_set(error, -ENOMEM, NULL, "no memory");
	set->patterns = patterns;
	int result = make(regex, length, &patterns[set->count], error);
	if (!result)
		set->count++;
	return result;
}

size_t pattern_set_count(const struct pattern_set *set)
{
	return set->count;
}

size_t pattern_set_lookbehind(const struct pattern_set *set)
{
	size_t most = 0;
	for (size_t i = 0; i < set->count; i++)
		if (set->patterns[i].lookbehind > most)
			most = set->patterns[i].lookbehind;
	/* One byte more tells ^ and \b what stands before. */
	return most + 1;
}

const char *pattern_set_group_name(const struct pattern_set *set, size_t pattern, size_t group)
{
	const pcre2_code *code = set->patterns[pattern].code;
	PCRE2_SPTR entry = NULL;
	uint32_t count = ask(code, PCRE2_INFO_NAMECOUNT), size = ask(code, PCRE2_INFO_NAMEENTRYSIZE);
	pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &entry);
	for (uint32_t i = 0; i < count; i++, entry += size)
		if (((size_t) entry[0] << 8 | entry[1]) == group + 1)
			return (const char *) entry + 2;
	return NULL;
}
