#include "core/config/file_names.h"

#include "core/base/text.h"

#include <string.h>

/* Leaves room for ".pid" and for the name a file bears until it is whole. */
enum { NAME_LENGTH_MAX = 200 };

static const char *complain_of_any(const char *name)
{
	if (name[0] == '\0')
		return "is empty, but names files";
	if (name[0] == '.')
		return "begins with a dot, but names files";
	if (strlen(name) > NAME_LENGTH_MAX)
		return "is too long for the name of a file";
	for (const char *at = name; *at; at++)
		if (*at == '/' || (unsigned char) *at < ' ' || *at == 0x7f)
			return "must not contain a slash or control characters, since it names files";
	return NULL;
}

const char *file_names_complain_of_process(const char *name)
{
	/* shim.log is the supervisor's. */
	if (text_equal(name, "shim"))
		return "is the name of emud's own process";
	return complain_of_any(name);
}

const char *file_names_complain_of_channel(const char *name)
{
	static const char *const suffixes[] = {".out", ".in", ".pid", ".log", ".json", ".sock"};
	size_t length = strlen(name);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix_length = strlen(suffixes[i]);
		if (length >= suffix_length && text_equal(name + length - suffix_length, suffixes[i]))
			return "ends like a file that emud keeps for the instance";
	}
	if (text_equal(name, "starts"))
		return "is the name of a folder that emud keeps for the instance";
	return complain_of_any(name);
}
