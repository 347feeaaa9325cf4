#pragma once

/* Those who wait for a board to come to something. */

#include "server/shims/board.h"

struct board_waits;

struct board_waits *board_waits_create(struct loop *loop, struct board *board, struct error *error);
/* Whoever still waits is told BOARD_WAIT_DELETED, from within. */
void board_waits_destroy(struct board_waits *waits);

/* The board has changed: conditions are judged now, results told in the next turn. */
void board_waits_look(struct board_waits *waits);

/* The board's own. */
struct board_waits *board_waits_of(struct board *board);
