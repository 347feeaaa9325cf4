#include "server/shims/board_waits.h"

#include "core/base/text.h"

#include <stdlib.h>
#include <sys/queue.h>

struct board_wait {
	LIST_ENTRY(board_wait) link;
	struct board_waits *waits;
	board_condition *condition;
	struct loop_timer *deadline;
	bool is_over;
	enum board_wait_result outcome;
	void (*on_result)(struct board *board, enum board_wait_result result, void *data);
	void *data;
};

struct board_waits {
	struct loop *loop;
	struct board *board;
	LIST_HEAD(, board_wait) list;
	struct loop_deferred *turn;
	bool busy; /* results are being told: what destroys it leaves the memory */
	bool dead;
};

struct board_waits *board_waits_create(struct loop *loop, struct board *board, struct error *error)
{
	struct board_waits *waits = calloc(1, sizeof(*waits));
	if (!waits) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	waits->loop = loop;
	waits->board = board;
	LIST_INIT(&waits->list);
	return waits;
}

static void tell(struct board_wait *wait, struct board *board)
{
	void (*on_result)(struct board * board, enum board_wait_result result, void *data) = wait->on_result;
	void *data = wait->data;
	enum board_wait_result outcome = wait->outcome;
	board_wait_cancel(wait);
	on_result(board, outcome, data);
}

void board_waits_destroy(struct board_waits *waits)
{
	if (!waits)
		return;
	loop_deferred_cancel(waits->turn);
	while (!LIST_EMPTY(&waits->list)) {
		struct board_wait *wait = LIST_FIRST(&waits->list);
		wait->outcome = BOARD_WAIT_DELETED;
		tell(wait, NULL);
	}
	waits->dead = true;
	if (!waits->busy)
		free(waits);
}

static struct board_wait *find_over(struct board_waits *waits)
{
	struct board_wait *wait;
	LIST_FOREACH (wait, &waits->list, link)
		if (wait->is_over)
			return wait;
	return NULL;
}

static void on_turn(void *data)
{
	struct board_waits *waits = data;
	waits->turn = NULL;
	waits->busy = true;
	for (struct board_wait *wait; !waits->dead && (wait = find_over(waits));)
		tell(wait, waits->board);
	waits->busy = false;
	if (waits->dead)
		free(waits);
}

static void schedule(struct board_waits *waits)
{
	if (!waits->turn)
		waits->turn = loop_defer(waits->loop, on_turn, waits, NULL);
}

static void judge(struct board_wait *wait)
{
	if (wait->is_over)
		return;
	enum board_progress progress = wait->condition(wait->waits->board, wait->data);
	if (progress == BOARD_PENDING)
		return;
	wait->is_over = true;
	wait->outcome = progress == BOARD_REACHED ? BOARD_WAIT_DONE : BOARD_WAIT_IMPOSSIBLE;
	schedule(wait->waits);
}

void board_waits_look(struct board_waits *waits)
{
	struct board_wait *wait;
	LIST_FOREACH (wait, &waits->list, link)
		judge(wait);
}

static void on_deadline(void *data)
{
	struct board_wait *wait = data;
	if (wait->is_over)
		return;
	wait->is_over = true;
	wait->outcome = BOARD_WAIT_TIMEOUT;
	schedule(wait->waits);
}

struct board_wait *board_wait_begin(struct board *board, board_condition *condition, uint64_t timeout_ms,
				    void (*on_result)(struct board *board, enum board_wait_result result,
						      void *data),
				    void *data, struct error *error)
{
	struct board_waits *waits = board_waits_of(board);
	struct board_wait *wait = calloc(1, sizeof(*wait));
	if (!wait) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*wait = (struct board_wait){
	    .waits = waits,
	    .condition = condition,
	    .on_result = on_result,
	    .data = data,
	};
	wait->deadline = loop_timer_create(waits->loop, on_deadline, wait, error);
	if (!wait->deadline) {
		free(wait);
		return NULL;
	}
	LIST_INSERT_HEAD(&waits->list, wait, link);
	loop_timer_start(wait->deadline, timeout_ms);
	judge(wait);
	return wait;
}

void board_wait_cancel(struct board_wait *wait)
{
	if (!wait)
		return;
	LIST_REMOVE(wait, link);
	loop_timer_destroy(wait->deadline);
	free(wait);
}

enum board_progress board_has_started(const struct board *board, void *data)
{
	(void) data;
	const char *state = board_state(board);
	return text_equal(state, "starting") || text_equal(state, "stopping") ? BOARD_PENDING : BOARD_REACHED;
}

enum board_progress board_has_ended(const struct board *board, void *data)
{
	(void) data;
	return board_is_over(board) ? BOARD_REACHED : BOARD_PENDING;
}
