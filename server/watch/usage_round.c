#include "server/watch/usage_round.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/process/sweep.h"

#include <stdio.h>
#include <stdlib.h>

struct usage_round *usage_round_create(void)
{
	return calloc(1, sizeof(struct usage_round));
}

void usage_round_destroy(struct usage_round *round)
{
	if (!round)
		return;
	free(round->readings);
	free(round->pids);
	free(round);
}

/* ---- which ---- */

/* Room for one more, or as many as wanted; NULL: no memory, and the array stays. */
static void *enlarge(void *items, size_t *capacity, size_t wanted, size_t size)
{
	if (items && wanted <= *capacity)
		return items;
	size_t next = 2 * wanted + 1;
	void *larger = reallocarray(items, next, size);
	if (larger)
		*capacity = next;
	return larger;
}

static int make_room(struct usage_round *round, size_t pid_count)
{
	struct usage_reading *readings =
	    enlarge(round->readings, &round->capacity, round->count + 1, sizeof(*readings));
	if (!readings)
		return -ENOMEM;
	round->readings = readings;
	pid_t *pids = enlarge(round->pids, &round->pid_capacity, round->pid_count + pid_count, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	round->pids = pids;
	return 0;
}

int usage_round_add(struct usage_round *round, const struct board *board)
{
	const json_t *processes = board_processes(board);
	size_t pid_count = json_object_size(processes);
	if (make_room(round, pid_count) < 0)
		return -ENOMEM;
	struct usage_reading *reading = &round->readings[round->count++];
	*reading = (struct usage_reading){
	    .start_number = board_start_number(board), .first_pid = round->pid_count, .pid_count = pid_count};
	snprintf(reading->id, sizeof(reading->id), "%s", board_id(board));
	const char *name;
	json_t *process;
	json_object_foreach ((json_t *) processes, name, process)
		round->pids[round->pid_count++] = (pid_t) json_member_integer(process, "pid", 0);
	return 0;
}

/* ---- on the pool ---- */

static void read_usage(const struct usage_round *round, struct usage_reading *reading)
{
	for (size_t i = 0; i < reading->pid_count; i++) {
		double cpu_seconds;
		unsigned long long rss_bytes;
		if (sweep_usage(round->pids[reading->first_pid + i], &cpu_seconds, &rss_bytes) < 0)
			continue;
		reading->cpu_seconds += cpu_seconds;
		reading->rss_bytes += rss_bytes;
		reading->read_at_ms = clock_monotonic_ms();
	}
}

static void work(void *data)
{
	struct usage_round *round = data;
	for (size_t i = 0; i < round->count; i++)
		read_usage(round, &round->readings[i]);
}

static void on_done(void *data)
{
	struct usage_round *round = data;
	if (round->on_done)
		round->on_done(round, round->data);
	else
		usage_round_destroy(round);
}

int usage_round_begin(struct usage_round *round, struct loop *loop,
		      void (*on_round)(struct usage_round *round, void *data), void *data,
		      struct error *error)
{
	round->on_done = on_round;
	round->data = data;
	return loop_work(loop, work, on_done, round, error);
}
