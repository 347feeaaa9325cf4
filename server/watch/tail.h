#pragma once

/*
 * One reader of a file that grows while an instance runs: a console's output, a log. It is read until nothing
 * is there, then its owner is told when to read again. Each reader has its own descriptor and cursor, so a
 * slow one keeps nobody waiting; what they share is the watch on the file. The descriptor stays good when
 * the next start moves or replaces the file.
 */

#include "core/base/error.h"
#include "core/channels/growth.h"
#include "server/shims/board.h"

#include <stdint.h>
#include <sys/types.h>

struct tail;

struct tail_options {
	int fd;         /* taken, even on failure */
	int64_t offset; /* of the first byte wanted */
	int64_t limit;  /* at most that many bytes; INT64_MAX: all */
	/* NULL: it is over where the file ends now. Else the file is followed until that start of the
	 * board has ended. */
	struct growth *growth;
	struct board *board;
	int64_t start_number;
	/* With growth: there is more to read, or the end. Never from within. */
	void (*on_ready)(void *data);
	void *data;
};

/* NULL with error set; code "no_watches". */
struct tail *tail_create(const struct tail_options *options, struct error *error);
void tail_destroy(struct tail *tail);

/* Reads on at the cursor. Returns the count, 0 where nothing is there yet (on_ready will come), -ENODATA at
 * the end, -ESTALE where the cursor has fallen out of the kept window, or another negative errno. */
ssize_t tail_read(struct tail *tail, void *out, size_t size);
/* After -ESTALE: puts the cursor on the first kept byte. 0 or a negative errno. */
int tail_skip_gap(struct tail *tail);

int64_t tail_offset(const struct tail *tail); /* of the next byte */

/* What has become of the start that is followed. */
enum tail_end { TAIL_GOES_ON, TAIL_ENDED, TAIL_FAILED, TAIL_DELETED };
enum tail_end tail_end(const struct tail *tail);
/* The board, as long as that start of it goes on; else NULL. */
struct board *tail_board(const struct tail *tail);
