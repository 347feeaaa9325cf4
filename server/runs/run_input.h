#pragma once

/* The steps of a run's input, one after the other: wait for a pattern, send. */

#include "server/runs/run_patterns.h"
#include "server/shims/board.h"
#include "server/watch/expectation.h"

#include <jansson.h>
#include <stdint.h>

struct run_input;

struct run_input_options {
	struct loop *loop;
	struct growth *growth;
	struct matcher *matcher;
	struct fleet *fleet;
	const char *instance; /* the id of its board */
	int64_t start_number;
	const char *channel;
	int output_fd;                       /* borrowed */
	const json_t *steps;                 /* [{"expect"?,"send_base64"}]; borrowed */
	const struct run_patterns *patterns; /* borrowed */
	size_t step;                         /* the first that is still to be taken */
	int64_t offset;                      /* from where its pattern is looked for */
};

struct run_input_events {
	/* That step has been taken; the next one looks from offset on. */
	void (*on_step)(size_t step, int64_t offset, void *data);
	/* It cannot go on; never from within. Not called when the board has ended, which is for others to
	 * tell. */
	void (*on_failed)(size_t step, const struct error *error, void *data);
};

/* NULL with error. Strings are copied. */
struct run_input *run_input_create(const struct run_input_options *options,
				   const struct run_input_events *events, void *data, struct error *error);
void run_input_destroy(struct run_input *input); /* takes NULL; at any time */
