#include "core/patterns/pattern_text.h"

#include <string.h>

static bool begins(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);
	return length >= size && memcmp(text, word, size) == 0;
}

/* Of what stands behind "(?": whether it is a group, a lookbehind or an option that never looks ahead. */
static bool is_plain(const char *text, size_t length)
{
	static const char *const openings[] = {":", "|", "<", "P<", "'"};
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++)
		if (begins(text, length, openings[i]))
			return true;
	/* Not x, which lets spaces into a possessive repetition. */
	size_t letters = 0;
	while (letters < length && text[letters] && strchr("imsnJU^-", text[letters]))
		letters++;
	return letters > 0 && letters < length && strchr(":)", text[letters]);
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
	if (begins(inner, left, "*"))
		text->looks_ahead = true;
	if (begins(inner, left, "*") || begins(inner, left, "?>"))
		text->is_atomic = true;
	if (begins(inner, left, "*COMMIT"))
		refuse(text, "(*COMMIT)", at);
	if (begins(inner, left, "*SKIP"))
		refuse(text, "(*SKIP)", at);
	if (begins(inner, left, "?") && !is_plain(inner + 1, left - 1))
		text->looks_ahead = true;
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
