#include "server/api/body_length.h"

#include "core/base/text.h"

bool body_length_fits(struct request *request, uint64_t max_bytes)
{
	const char *header = request_header(request, "Content-Length");
	uint64_t length;
	int result = header ? text_to_uint64(header, &length) : -ENOENT;
	return result != -ERANGE && (result || length <= max_bytes);
}
