#include "server/runs/run_reader.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/channels/console_log.h"

enum { CHUNK_BYTES = 48 * 1024 };

struct run_reader {
	struct cases *cases; /* NULL: no memory was left for them */
	int64_t offset;      /* of the next byte */
	bool is_joined, is_destroyed;
	void (*on_released)(void *data);
	void *data;
};

struct run_reader *run_reader_create(void (*on_released)(void *data), void *data)
{
	struct run_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	*reader = (struct run_reader){.cases = cases_create(NULL), .on_released = on_released, .data = data};
	return reader;
}

static void let_go(struct run_reader *reader)
{
	cases_destroy(reader->cases);
	free(reader);
}

void run_reader_destroy(struct run_reader *reader)
{
	if (!reader)
		return;
	reader->is_destroyed = true;
	if (!reader->is_joined)
		let_go(reader);
}

static void feed(struct run_reader *reader, const char *bytes, size_t length)
{
	if (reader->cases && cases_feed(reader->cases, bytes, length, NULL) < 0) {
		cases_destroy(reader->cases);
		reader->cases = NULL;
	}
	reader->offset += (int64_t) length;
}

static void on_chunk(const char *bytes, size_t length, void *data)
{
	feed(data, bytes, length);
}

static void on_released(void *data)
{
	struct run_reader *reader = data;
	reader->is_joined = false;
	if (reader->is_destroyed)
		let_go(reader);
	else
		reader->on_released(reader->data);
}

void run_reader_join(struct run_reader *reader, struct expectation_options *options)
{
	reader->offset = options->tail.offset;
	options->on_chunk = on_chunk;
	options->on_released = on_released;
	options->along_data = reader;
}

void run_reader_joined(struct run_reader *reader)
{
	reader->is_joined = true;
}

bool run_reader_is_free(const struct run_reader *reader)
{
	return !reader->is_joined;
}

char *run_reader_finish(struct run_reader *reader, int fd, int64_t end_offset)
{
	cleanup_free char *chunk = malloc(CHUNK_BYTES);
	while (chunk && reader->offset < end_offset) {
		int64_t left = end_offset - reader->offset;
		ssize_t count = console_log_read(fd, reader->offset, chunk,
						 left < CHUNK_BYTES ? (size_t) left : CHUNK_BYTES);
		if (count <= 0)
			break;
		feed(reader, chunk, (size_t) count);
	}
	if (!reader->cases || cases_end(reader->cases, NULL) < 0)
		return NULL;
	cleanup_json json_t *found = cases_to_json(reader->cases);
	return json_array_size(found) > 0 ? json_to_text(found) : NULL;
}
