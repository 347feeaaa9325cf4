/* What the robot port answers, and the text of a listing within it. */

#include "core/emulators/renode/robot.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = {0};
	char *text = robot_decode((const char *) data, size, &error);
	if (!text && (error.number >= 0 || !error.message[0]))
		abort();
	free(text);
	return 0;
}
