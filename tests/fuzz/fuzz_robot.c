/* What the robot port answers, taken for a listing and for a value too. */

#include "core/base/cleanup.h"
#include "core/emulators/renode/listing.h"
#include "core/emulators/renode/robot.h"
#include "core/emulators/renode/value.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = {0};
	char *text = robot_decode((const char *) data, size, &error);
	if (!text && (error.number >= 0 || !error.message[0]))
		abort();
	if (text) {
		cleanup_json json_t *listing = renode_listing_parse(text);
		cleanup_json json_t *value = renode_value_parse(text, "");
		if (!json_is_object(listing) || !value)
			abort();
	}
	free(text);
	return 0;
}
