#pragma once

/* Replies that wait for a board. */

#include "server/api/replies.h"

/* What to answer once the condition holds; the board is there. */
typedef void wait_reply(struct request *request, struct board *board, unsigned status);

/*
 * Replies when the condition holds (through `reply` with that status), or with the problem: 504 timeout, 410
 * gone, 409 `impossible_code`. condition_data (malloc'ed or NULL) is freed at the end. Deals with a client
 * that goes away.
 */
void reply_when(struct request *request, struct board *board, board_condition *condition,
		void *condition_data, uint64_t timeout_ms, wait_reply *reply, unsigned status,
		const char *impossible_code);

/* The reply of a start: the instance, or 502 start_failed in the emulator's words. */
wait_reply reply_started;
/* The instance as it is. */
wait_reply reply_as_is;
