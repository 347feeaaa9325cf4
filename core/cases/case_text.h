#pragma once

/* What is printed while a case runs: its first CASE_MESSAGE_BYTES are kept. Zero-initialised is empty. */

#include "core/base/buffer.h"
#include "core/cases/span.h"

struct case_text {
	struct buffer kept;
	size_t blank_lines; /* not in it yet: only what comes behind them makes them part of it */
	size_t left_out;    /* bytes */
};

void case_text_finish(struct case_text *text);
void case_text_clear(struct case_text *text);
int case_text_add_line(struct case_text *text, struct span line); /* 0 or -ENOMEM */
