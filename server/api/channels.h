#pragma once

/* What the calls on a channel share: which channel, and where in its kept output to begin. */

#include "server/api/app.h"
#include "server/http/request.h"
#include "server/shims/board.h"

#include <stdbool.h>
#include <stdint.h>

/* The channel that {name} names, as the instance tells it; NULL: 404 was replied. */
const json_t *require_channel(struct request *request, const struct board *board);
bool channel_is_console(const json_t *channel);

/* What a client asks of a console's output. */
struct output_query {
	int64_t start_number; /* 0: the latest */
	bool has_offset;      /* else from the first kept byte */
	int64_t offset;       /* negative: that many before the end */
};

/* The query's offset and start_number. False: a problem was replied. */
bool query_output(struct request *request, struct output_query *ret_query);

/* A console's output, open at the place asked for. */
struct output {
	int fd; /* the receiver's */
	int64_t start_number;
	int64_t first_offset, next_offset; /* the kept window */
	int64_t offset;                    /* where to begin, within the window */
};

/* Of {name}. False: a problem was replied. */
bool open_output(struct request *request, const struct board *board, const struct output_query *query,
		 struct output *ret_output);
