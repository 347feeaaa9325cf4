#include "server/runs/run_queue.h"

#include "core/base/text.h"

#include <stdbool.h>
#include <stdlib.h>

TAILQ_HEAD(run_queue_list, run_queue_entry);

struct run_queue {
	struct run_queue_list list; /* by turn, then as they came */
	uint64_t turn;              /* whose entries are being let in */
	char **served;              /* the clients that had this turn; forgotten when it is over */
};

struct run_queue *run_queue_create(void)
{
	struct run_queue *queue = calloc(1, sizeof(*queue));
	if (queue)
		TAILQ_INIT(&queue->list);
	return queue;
}

void run_queue_destroy(struct run_queue *queue)
{
	if (!queue)
		return;
	text_vector_free(queue->served);
	free(queue);
}

static bool was_served(const struct run_queue *queue, const char *client)
{
	for (char **served = queue->served; served && *served; served++)
		if (text_equal(*served, client))
			return true;
	return false;
}

static uint64_t next_turn_of(const struct run_queue *queue, const char *client)
{
	const struct run_queue_entry *last;
	TAILQ_FOREACH_REVERSE(last, &queue->list, run_queue_list, link)
	if (text_equal(last->client, client))
		return last->turn + 1;
	return queue->turn + (was_served(queue, client) ? 1 : 0);
}

void run_queue_add(struct run_queue *queue, struct run_queue_entry *entry)
{
	entry->turn = next_turn_of(queue, entry->client);
	struct run_queue_entry *before;
	TAILQ_FOREACH_REVERSE(before, &queue->list, run_queue_list, link)
	if (before->turn <= entry->turn)
		break;
	if (before)
		TAILQ_INSERT_AFTER(&queue->list, before, entry, link);
	else
		TAILQ_INSERT_HEAD(&queue->list, entry, link);
}

void run_queue_remove(struct run_queue *queue, struct run_queue_entry *entry)
{
	/* Who takes one back loses no turn by it: each later one of that client gets the place before its
	 * own. */
	struct run_queue_entry *gap = TAILQ_NEXT(entry, link), *later = gap;
	uint64_t turn = entry->turn;
	TAILQ_REMOVE(&queue->list, entry, link);
	while (later) {
		struct run_queue_entry *next = TAILQ_NEXT(later, link);
		if (text_equal(later->client, entry->client)) {
			uint64_t own = later->turn;
			if (later != gap) {
				TAILQ_REMOVE(&queue->list, later, link);
				TAILQ_INSERT_BEFORE(gap, later, link);
			}
			later->turn = turn;
			turn = own;
			gap = next;
		}
		later = next;
	}
}

struct run_queue_entry *run_queue_first(const struct run_queue *queue)
{
	return TAILQ_FIRST(&queue->list);
}

static void begin_turn(struct run_queue *queue, uint64_t turn)
{
	queue->turn = turn;
	text_vector_free(queue->served);
	queue->served = NULL;
}

void run_queue_take_first(struct run_queue *queue)
{
	struct run_queue_entry *first = TAILQ_FIRST(&queue->list);
	TAILQ_REMOVE(&queue->list, first, link);
	if (first->turn > queue->turn)
		begin_turn(queue, first->turn);
	if (TAILQ_EMPTY(&queue->list))
		begin_turn(queue, queue->turn + 1); /* nobody waits who could be wronged */
	else
		text_vector_append(&queue->served,
				   first->client); /* no memory: it may come twice in a turn */
}

size_t run_queue_position(const struct run_queue *queue, const struct run_queue_entry *entry)
{
	size_t position = 1;
	const struct run_queue_entry *before;
	TAILQ_FOREACH (before, &queue->list, link) {
		if (before == entry)
			break;
		position++;
	}
	return position;
}
