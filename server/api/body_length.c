#include "server/api/body_length.h"

#include "core/base/text.h"

#include <inttypes.h>

bool body_length_fits(struct request *request, uint64_t max_bytes)
{
	const char *header = request_header(request, "Content-Length");
	uint64_t length;
	int result = header ? text_to_uint64(header, &length) : -ENOENT;
	if (result == -ERANGE || (!result && length > max_bytes)) {
		reply_problem(request, "too_large", "the body has more than %" PRIu64 " bytes", max_bytes);
		return false;
	}
	return true;
}
