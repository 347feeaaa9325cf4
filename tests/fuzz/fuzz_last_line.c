/* Whatever a console holds, its last line is one line of bounded, well-formed text without controls, which is
 * its own last line. */

#include "core/base/text.h"
#include "server/watch/last_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

static size_t count_characters(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += ((unsigned char) *text & 0xc0) != 0x80;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = last_line_find((const char *) data, size);
	expect(line != NULL);
	size_t length = strlen(line);
	expect(text_is_utf8(line, length) && count_characters(line) <= LAST_LINE_CHARACTERS);
	for (const char *at = line; *at; at++)
		expect((unsigned char) *at >= ' ' && *at != 0x7f);
	char *again = last_line_find(line, length);
	expect(text_equal(again, line));
	free(again);
	free(line);
	return 0;
}
