#include "core/patterns/pattern_text.h"

#include <string.h>

static bool begins(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);
	return length >= size && memcmp(text, word, size) == 0;
}

static bool begins_with_any(const char *text, size_t length, const char *const *words)
{
	for (; *words; words++)
		if (begins(text, length, *words))
			return true;
	return false;
}

/* "(?i)", "(?s-i:": options from these letters alone. */
static bool is_option(const char *text, size_t length, const char *allowed)
{
	size_t letters = 0;
	while (letters < length && text[letters] && strchr(allowed, text[letters]))
		letters++;
	return letters > 0 && letters < length && (text[letters] == ':' || text[letters] == ')');
}

static void refuse(struct pattern_text *text, const char *what, size_t at)
{
	if (text->refused)
		return;
	text->refused = what;
	text->refused_at = at;
}

/* Reads the escape at regex[at]; returns how many bytes it has. */
static size_t read_escape(const char *regex, size_t length, size_t at, struct pattern_text *text)
{
	if (at + 1 >= length)
		return 1;
	switch (regex[at + 1]) {
	case 'Q': {
		const char *end = memmem(regex + at, length - at, "\\E", 2);
		text->is_quoted = !end;
		return end ? (size_t) (end - regex) + 2 - at : length - at;
	}
	case 'G':
		refuse(text, "\\G", at);
		break;
	case 'g':
		text->looks_ahead = text->is_delicate = true;
		break;
	case 'b':
	case 'B':
	case 'z':
	case 'Z':
	case 'R':
	case 'X':
		text->looks_ahead = true;
		break;
	default:
		break;
	}
	return 2;
}

static void read_parenthesis(const char *regex, size_t length, size_t at, struct pattern_text *text)
{
	const char *inner = regex + at + 1;
	size_t left = length - at - 1;
	if (begins(inner, left, "*COMMIT"))
		refuse(text, "(*COMMIT)", at);
	if (begins(inner, left, "*SKIP"))
		refuse(text, "(*SKIP)", at);
	if (begins(inner, left, "*"))
		text->looks_ahead = text->is_delicate = true;
	if (!begins(inner, left, "?"))
		return;
	static const char *const plain[] = {":", "|", "<", "P<", "'", NULL}, *const ahead[] = {"=", "!",
											       NULL};
	inner++;
	left--;
	if (begins_with_any(inner, left, plain) || is_option(inner, left, "imsnJU^-"))
		return;
	/* x lets spaces into a possessive repetition. */
	text->looks_ahead = true;
	text->is_delicate |= !begins_with_any(inner, left, ahead) && !is_option(inner, left, "imsnxJU^-");
}

static bool is_possessive(const char *regex, size_t at)
{
	return regex[at] == '+' && at > 0 && memchr("+*?}", regex[at - 1], 4);
}

void pattern_text_read(const char *regex, size_t length, struct pattern_text *ret_text)
{
	struct pattern_text text = {0};
	for (size_t i = 0, size; i < length; i += size) {
		size = 1;
		if (regex[i] == '\\')
			size = read_escape(regex, length, i, &text);
		else if (regex[i] == '(')
			read_parenthesis(regex, length, i, &text);
		else if (regex[i] == '$' || is_possessive(regex, i))
			text.looks_ahead = true;
	}
	*ret_text = text;
}
