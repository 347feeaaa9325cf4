#pragma once

/*
 * Which run is next: clients take turns, and each client's runs come first come first served. Knows no run:
 * entries lie in whoever waits.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct run_queue;

struct run_queue_entry {
	TAILQ_ENTRY(run_queue_entry) link;
	const char *client; /* borrowed while it waits */
	uint64_t turn;
};

struct run_queue *run_queue_create(void);        /* NULL: no memory */
void run_queue_destroy(struct run_queue *queue); /* takes NULL; entries are the callers' */

void run_queue_add(struct run_queue *queue, struct run_queue_entry *entry);
void run_queue_remove(struct run_queue *queue, struct run_queue_entry *entry);
struct run_queue_entry *run_queue_first(const struct run_queue *queue); /* NULL: empty */
/* The first has been let in: removes it, and the others' turn has come. */
void run_queue_take_first(struct run_queue *queue);
/* From 1. */
size_t run_queue_position(const struct run_queue *queue, const struct run_queue_entry *entry);
