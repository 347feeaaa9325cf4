/* A multipart body with the boundary "b": cut in two ways, it must be understood alike. The first byte says
 * how large the pieces are. */

#include "core/base/buffer.h"
#include "server/http/multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_part(const struct multipart_part *part, struct error *error, void *data)
{
	(void) error;
	return buffer_append_format(data, "[%s|%s|%s]", part->name, part->filename ? part->filename : "-",
				    part->content_type ? part->content_type : "-");
}

static int on_bytes(const char *bytes, size_t length, struct error *error, void *data)
{
	(void) error;
	return buffer_append(data, bytes, length);
}

static int on_part_end(struct error *error, void *data)
{
	(void) error;
	return buffer_append_text(data, ".");
}

static int parse(const char *bytes, size_t length, size_t piece, struct buffer *out)
{
	static const struct multipart_events events = {on_part, on_bytes, on_part_end};
	struct error error = {0};
	struct multipart *multipart =
	    multipart_create("multipart/form-data; boundary=b", &events, out, &error);
	int result = 0;
	for (size_t at = 0; at < length && !result; at += piece)
		result =
		    multipart_feed(multipart, bytes + at, length - at < piece ? length - at : piece, &error);
	if (!result)
		result = multipart_finish(multipart, &error);
	if (result < 0 && (!error.number || !error.message[0]))
		abort();
	multipart_destroy(multipart);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct buffer whole = {0}, cut = {0};
	const char *body = (const char *) data + 1;
	int result = parse(body, size - 1, size, &whole);
	int cut_result = parse(body, size - 1, (size_t) data[0] % 64 + 1, &cut);
	if (result != cut_result)
		abort();
	if (result == 0 &&
	    (whole.length != cut.length || (whole.length && memcmp(whole.data, cut.data, cut.length) != 0)))
		abort();
	buffer_finish(&whole);
	buffer_finish(&cut);
	return 0;
}
