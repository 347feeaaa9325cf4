#pragma once

/* Pushes what a tail reads to where it goes, a chunk a turn, as fast as that takes it. */

#include "server/watch/tail.h"

enum { PUMP_CHUNK_BYTES = 48 * 1024 };

struct pump;

struct pump_sink {
	/* Mandatory. Valid during the call. Returns 0; -EAGAIN: taken, but no more until pump_resume; another
	 * negative errno: nothing is called any more. */
	int (*on_bytes)(int64_t offset, const void *bytes, size_t length, void *data);
	/* Optional. Bytes have been lost to a reader that was too slow: the next ones lie at offset. */
	void (*on_gap)(int64_t offset, void *data);
	/* Mandatory, once. 0: that was the last byte; else a negative errno: it cannot be read. */
	void (*on_end)(int number, void *data);
};

/* tail's own on_ready and data are not used. Nothing is pushed before the first pump_resume, and nothing from
 * within it. sink must be static. The sink must not destroy the pump. NULL with error set, as tail_create. */
struct pump *pump_create(struct loop *loop, const struct tail_options *tail, const struct pump_sink *sink,
			 void *data, struct error *error);
void pump_destroy(struct pump *pump);
void pump_resume(struct pump *pump);
const struct tail *pump_tail(const struct pump *pump);
