#pragma once

/* The way into the guest: a FIFO and the queue of those who write to it, served one after the other. */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_WRITE_FOREVER UINT64_MAX /* as timeout_ms: wait as long as it takes */

struct console_input;

/* Takes fifo_fd (closed even on failure): open for reading and writing, so that neither end sees an end. */
struct console_input *console_input_create(struct loop *loop, int fifo_fd, struct error *error);
/* What waits completes with -ECANCELED, from within this call. */
void console_input_destroy(struct console_input *input);

/* As console_write. */
int console_input_write(struct console_input *input, const void *bytes, size_t length, uint64_t timeout_ms,
			void (*on_done)(size_t written, int number, void *data), void *data,
			struct error *error);
void console_input_drain(struct console_input *input);
