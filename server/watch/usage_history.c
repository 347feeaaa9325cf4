#include "server/watch/usage_history.h"

#include "core/base/clock.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SIZE = 64, FIRST_CAPACITY = 16 };

struct ring {
	char id[ID_SIZE]; /* first: what the tree compares */
	int64_t start_number;
	int64_t paused_at_ms; /* 0: somebody looks */
	size_t first, count, capacity;
	struct usage_sample *samples;
};

struct usage_history {
	void *rings;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct ring *find(const struct usage_history *history, const char *id)
{
	void *node = tfind(id, &history->rings, compare);
	return node ? *(struct ring **) node : NULL;
}

static void destroy_ring(void *data)
{
	struct ring *ring = data;
	free(ring->samples);
	free(ring);
}

static struct ring *enter(struct usage_history *history, const char *id)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return NULL;
	strncpy(ring->id, id, sizeof(ring->id) - 1);
	if (tsearch(ring, &history->rings, compare))
		return ring;
	free(ring);
	return NULL;
}

static bool is_stale(const struct ring *ring, int64_t start_number, int64_t now_ms)
{
	return ring->start_number != start_number ||
	       (ring->paused_at_ms && now_ms - ring->paused_at_ms > USAGE_HISTORY_PAUSE_MS);
}

/* It has not wrapped around before it is as large as it gets. */
static bool make_room(struct ring *ring)
{
	if (ring->count < ring->capacity || ring->capacity == USAGE_HISTORY_MAX)
		return true;
	size_t capacity = ring->capacity ? 2 * ring->capacity : FIRST_CAPACITY;
	if (capacity > USAGE_HISTORY_MAX)
		capacity = USAGE_HISTORY_MAX;
	struct usage_sample *samples = reallocarray(ring->samples, capacity, sizeof(*samples));
	if (!samples)
		return false;
	ring->samples = samples;
	ring->capacity = capacity;
	return true;
}

void usage_history_add(struct usage_history *history, const char *id, int64_t start_number,
		       const struct usage_sample *sample, int64_t now_ms)
{
	struct ring *ring = find(history, id);
	if (!ring && !(ring = enter(history, id)))
		return;
	if (is_stale(ring, start_number, now_ms))
		ring->first = ring->count = 0;
	ring->start_number = start_number;
	ring->paused_at_ms = 0;
	if (!make_room(ring))
		return;
	if (ring->count == ring->capacity)
		ring->first = (ring->first + 1) % ring->capacity;
	else
		ring->count++;
	ring->samples[(ring->first + ring->count - 1) % ring->capacity] = *sample;
}

void usage_history_pause(struct usage_history *history, const char *id, int64_t now_ms)
{
	struct ring *ring = find(history, id);
	if (ring)
		ring->paused_at_ms = now_ms;
}

void usage_history_forget(struct usage_history *history, const char *id)
{
	struct ring *ring = find(history, id);
	if (!ring)
		return;
	tdelete(ring, &history->rings, compare);
	destroy_ring(ring);
}

json_t *usage_history_describe(const struct usage_history *history, const char *id, int64_t start_number,
			       int64_t now_ms)
{
	json_t *list = json_array();
	const struct ring *ring = find(history, id);
	if (!ring || is_stale(ring, start_number, now_ms))
		return list;
	for (size_t i = 0; i < ring->count; i++) {
		const struct usage_sample *sample = &ring->samples[(ring->first + i) % ring->capacity];
		char time[CLOCK_RFC3339_SIZE];
		clock_format_rfc3339(sample->time_ms, time);
		json_array_append_new(list, json_pack("{s:s, s:f, s:I}", "time", time, "cpu", sample->cpu,
						      "rss_bytes", (json_int_t) sample->rss_bytes));
	}
	return list;
}

struct usage_history *usage_history_create(void)
{
	return calloc(1, sizeof(struct usage_history));
}

void usage_history_destroy(struct usage_history *history)
{
	if (!history)
		return;
	tdestroy(history->rings, destroy_ring);
	free(history);
}
