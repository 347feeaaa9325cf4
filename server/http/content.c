#include "server/http/content.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { TAG_LANES = 4, TAG_BLOCK = TAG_LANES * sizeof(uint64_t) };

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x100000001b3;
	return hash ^ hash >> 29; /* carries the upper bits down, which multiplying never does */
}

/* FNV-1a over words instead of bytes, in lanes that do not wait for each other: a tag must change with the
 * body, it need not withstand an attacker. */
void content_tag(const void *bytes, size_t length, char out[static CONTENT_TAG_SIZE])
{
	uint64_t lanes[TAG_LANES] = {0xcbf29ce484222325 ^ length, 1, 2, 3};
	uint64_t words[TAG_LANES];
	const char *at = bytes;
	for (; length >= TAG_BLOCK; at += TAG_BLOCK, length -= TAG_BLOCK) {
		memcpy(words, at, TAG_BLOCK);
		for (int lane = 0; lane < TAG_LANES; lane++)
			lanes[lane] = mix(lanes[lane], words[lane]);
	}
	uint64_t hash = lanes[0];
	for (int lane = 1; lane < TAG_LANES; lane++)
		hash = mix(hash, lanes[lane]);
	for (; length; at++, length--)
		hash = mix(hash, (unsigned char) *at);
	hash ^= hash >> 32;
	static const char digits[] = "0123456789abcdef";
	memcpy(out, "W/\"", 3);
	for (int i = 0; i < 16; i++)
		out[3 + i] = digits[hash >> (60 - 4 * i) & 15];
	memcpy(out + 19, "\"", 2);
}

int content_gzip(const void *bytes, size_t length, int level, struct buffer *out)
{
	enum { GZIP_WINDOW = 15 + 16 };
	z_stream stream = {0};
	if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size_t bound = deflateBound(&stream, length);
	int result = buffer_reserve(out, bound);
	if (!result) {
		stream.next_in = (Bytef *) bytes; /* zlib does not write there */
		stream.avail_in = (uInt) length;
		stream.next_out = (Bytef *) out->data + out->length;
		stream.avail_out = (uInt) bound;
		result = deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
		if (!result)
			out->length += stream.total_out;
	}
	deflateEnd(&stream);
	return result;
}

bool content_is_compressible(const char *content_type)
{
	static const char *const prefixes[] = {"text/",
					       "application/json",
					       "application/problem+json",
					       "application/yaml",
					       "application/javascript",
					       "application/xml",
					       "image/svg+xml",
					       "application/manifest+json"};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncasecmp(content_type, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}
