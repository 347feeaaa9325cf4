#include "core/emulators/renode/names.h"

#include "core/base/buffer.h"
#include "core/base/text.h"

#include <ctype.h>
#include <string.h>

static size_t word_length(const char *text)
{
	size_t length = 0;
	if (isdigit((unsigned char) text[0]))
		return 0;
	while (isalnum((unsigned char) text[length]) || text[length] == '_')
		length++;
	return length;
}

bool renode_is_member_name(const char *name)
{
	size_t length = word_length(name);
	return length > 0 && name[length] == '\0';
}

bool renode_is_object_path(const char *path)
{
	/* Objects without a dot; any other word could be a command: "quit". */
	static const char *const roots[] = {"sysbus", "machine", "emulation", "connector", NULL};
	bool has_dot = strchr(path, '.');
	for (const char *const *root = roots; *root && !has_dot; root++)
		if (text_equal(path, *root))
			return true;
	for (;; path++) {
		size_t length = word_length(path);
		path += length;
		if (length == 0 || (*path && *path != '.'))
			return false;
		if (!*path)
			return has_dot;
	}
}

char *renode_path_token(const char *path)
{
	cleanup_buffer struct buffer token = {0};
	int result = buffer_append_text(&token, path[0] == '@' ? "" : "@");
	for (; *path && !result; path++)
		result = *path == ' ' ? buffer_append_text(&token, "\\ ") : buffer_append(&token, path, 1);
	return result ? NULL : buffer_take_text(&token);
}
