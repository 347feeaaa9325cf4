#pragma once

/*
 * What boards have used lately, as far as somebody looked: up to USAGE_HISTORY_MAX samples of each, in memory
 * alone. It stays while nobody looks for a moment, as when a page is loaded anew, and begins anew after more.
 */

#include <jansson.h>
#include <stdint.h>

enum { USAGE_HISTORY_MAX = 300, USAGE_HISTORY_PAUSE_MS = 60000 };

struct usage_history;
struct usage_history *usage_history_create(void);          /* NULL: no memory */
void usage_history_destroy(struct usage_history *history); /* takes NULL */

struct usage_sample {
	int64_t time_ms; /* since 1970 */
	double cpu;      /* a share of one core */
	uint64_t rss_bytes;
};

/* Those of an earlier start go. Without memory for it there is one less. now_ms: monotonic, also below. */
void usage_history_add(struct usage_history *history, const char *id, int64_t start_number,
		       const struct usage_sample *sample, int64_t now_ms);
/* Nobody looks at this board any more. */
void usage_history_pause(struct usage_history *history, const char *id, int64_t now_ms);
void usage_history_forget(struct usage_history *history, const char *id);
/* As the API tells them, oldest first; new reference, NULL: no memory. */
json_t *usage_history_describe(const struct usage_history *history, const char *id, int64_t start_number,
			       int64_t now_ms);
