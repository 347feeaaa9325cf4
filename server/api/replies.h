#pragma once

/* What handlers share on their way to an answer. */

#include "server/api/app.h"
#include "server/http/request.h"
#include "server/shims/board.h"

enum { TIMEOUT_DEFAULT_S = 30, TIMEOUT_MAX_S = 3600, PAGE_LIMIT_DEFAULT = 100, PAGE_LIMIT_MAX = 1000 };

/* The board that {id} names; NULL: 404 was replied. */
struct board *require_board(struct request *request, struct app *app);

/* The query's timeout in milliseconds (30 s unless said) and wait (true unless said). False: a problem was
 * replied. */
bool query_timeout_ms(struct request *request, uint64_t *ret_timeout_ms);
bool query_wait(struct request *request, bool *ret_wait);

/* limit (1 to 1000) and cursor of a list. */
struct page_query {
	int64_t limit;
	const char *cursor; /* NULL: from the beginning */
};
bool query_page(struct request *request, struct page_query *ret_page);

/* label=key:value of a list. False: a problem was replied. */
struct label_query {
	char key[64];      /* "": any label */
	const char *value; /* borrowed from the request */
};
bool query_label(struct request *request, struct label_query *ret_label);

/* 200 (or another status) with the instance. */
void reply_instance(struct request *request, unsigned status, struct board *board);

/* One command to the board's shim whose result goes to `reply` (error NULL) or becomes a problem. Deals with
 * a client that goes away. arguments are borrowed. */
void command_board(struct request *request, struct board *board, const char *command, const json_t *arguments,
		   uint64_t timeout_ms,
		   void (*reply)(struct request *request, const json_t *result, void *data), void *data);
