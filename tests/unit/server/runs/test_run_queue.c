#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/runs/run_queue.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	*state = run_queue_create();
	assert_non_null(*state);
	return 0;
}

static int teardown(void **state)
{
	run_queue_destroy(*state);
	return 0;
}

static void add(struct run_queue *queue, struct run_queue_entry *entry, const char *client)
{
	entry->client = client;
	run_queue_add(queue, entry);
}

/* Lets the first in; its client. */
static const char *take(struct run_queue *queue)
{
	const struct run_queue_entry *first = run_queue_first(queue);
	assert_non_null(first);
	assert_int_equal(run_queue_position(queue, first), 1);
	run_queue_take_first(queue);
	return first->client;
}

static void expect_order(struct run_queue *queue, const char *clients)
{
	for (; *clients; clients++)
		assert_int_equal(take(queue)[0], *clients);
	assert_null(run_queue_first(queue));
}

static void one_who_comes_after_a_hundred_of_another_is_second(void **state)
{
	struct run_queue_entry many[100], one;
	for (int i = 0; i < 100; i++)
		add(*state, &many[i], "a");
	add(*state, &one, "b");
	assert_int_equal(run_queue_position(*state, &many[0]), 1);
	assert_int_equal(run_queue_position(*state, &one), 2);
	assert_int_equal(run_queue_position(*state, &many[1]), 3);
	assert_int_equal(run_queue_position(*state, &many[99]), 101);
}

static void clients_take_turns_each_in_the_order_it_asked(void **state)
{
	struct run_queue_entry a[3], b[2], c;
	for (int i = 0; i < 3; i++)
		add(*state, &a[i], "a");
	for (int i = 0; i < 2; i++)
		add(*state, &b[i], "b");
	add(*state, &c, "c");
	struct run_queue_entry *order[] = {&a[0], &b[0], &c, &a[1], &b[1], &a[2]};
	for (size_t i = 0; i < 6; i++) {
		assert_ptr_equal(run_queue_first(*state), order[i]);
		run_queue_take_first(*state);
	}
}

/* Whose next comes only when the one before has been let in has had its turn nonetheless. */
static void one_that_never_has_two_waiting_does_not_hold_up_the_rest(void **state)
{
	struct run_queue_entry many[10], one;
	for (int i = 0; i < 10; i++)
		add(*state, &many[i], "a");
	for (int i = 0; i < 8; i++) {
		add(*state, &one, "b");
		assert_string_equal(take(*state), "a");
		assert_string_equal(take(*state), "b");
	}
	expect_order(*state, "aa");
}

static void a_newcomer_is_let_in_before_those_who_had_this_turn(void **state)
{
	struct run_queue_entry a[2], b[2], c;
	for (int i = 0; i < 2; i++) {
		add(*state, &a[i], "a");
		add(*state, &b[i], "b");
	}
	assert_string_equal(take(*state), "a");
	add(*state, &c, "c");
	expect_order(*state, "bcab");
}

static void an_old_client_owes_nothing_once_the_queue_was_empty(void **state)
{
	struct run_queue_entry a, b;
	for (int i = 0; i < 5; i++) {
		add(*state, &a, "a");
		expect_order(*state, "a");
	}
	add(*state, &a, "a");
	add(*state, &b, "b");
	expect_order(*state, "ab");
}

static void what_is_removed_costs_its_client_no_turn(void **state)
{
	struct run_queue_entry a[4], b[3];
	for (int i = 0; i < 4; i++)
		add(*state, &a[i], "a");
	for (int i = 0; i < 3; i++)
		add(*state, &b[i], "b");
	run_queue_remove(*state, &a[0]);
	run_queue_remove(*state, &a[2]);
	run_queue_remove(*state, &b[2]);
	struct run_queue_entry *order[] = {&a[1], &b[0], &a[3], &b[1]};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(run_queue_position(*state, order[i]), i + 1);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_ptr_equal(run_queue_first(*state), order[i]);
		run_queue_take_first(*state);
	}
	assert_null(run_queue_first(*state));
}

static void the_only_one_can_be_removed(void **state)
{
	struct run_queue_entry entry;
	add(*state, &entry, "a");
	run_queue_remove(*state, &entry);
	assert_null(run_queue_first(*state));
	add(*state, &entry, "a");
	expect_order(*state, "a");
}

/* ---- held against a model: tickets of (turn, number), which each client hands to its own in their order
 * ---- */

enum { CLIENTS = 4, WAITING = 40 };

struct ticket {
	uint64_t turn, number;
};

struct model {
	struct run_queue_entry *entries[CLIENTS][WAITING]; /* of each client in the order in which it asked */
	struct ticket tickets[CLIENTS][WAITING];
	int count[CLIENTS];
	uint64_t turn, number, last_served[CLIENTS];
	bool was_served[CLIENTS];
};

static const char *const names[CLIENTS] = {"a", "b", "c", "d"};

static bool is_before(struct ticket a, struct ticket b)
{
	return a.turn < b.turn || (a.turn == b.turn && a.number < b.number);
}

static void model_add(struct model *model, struct run_queue *queue, int client)
{
	int at = model->count[client];
	if (at == WAITING)
		return;
	uint64_t turn = model->turn;
	if (model->was_served[client] && model->last_served[client] + 1 > turn)
		turn = model->last_served[client] + 1;
	if (at && model->tickets[client][at - 1].turn + 1 > turn)
		turn = model->tickets[client][at - 1].turn + 1;
	model->tickets[client][at] = (struct ticket){turn, model->number++};
	struct run_queue_entry *entry = calloc(1, sizeof(*entry));
	assert_non_null(entry);
	model->entries[client][at] = entry;
	model->count[client]++;
	add(queue, entry, names[client]);
}

/* The at-th entry goes, the last ticket with it. */
static void model_drop(struct model *model, int client, int at)
{
	free(model->entries[client][at]);
	int rest = --model->count[client] - at;
	memmove(&model->entries[client][at], &model->entries[client][at + 1],
		(size_t) rest * sizeof(model->entries[0][0]));
}

static void model_take(struct model *model, struct run_queue *queue)
{
	int first = -1;
	for (int client = 0; client < CLIENTS; client++)
		if (model->count[client] &&
		    (first < 0 || is_before(model->tickets[client][0], model->tickets[first][0])))
			first = client;
	if (first < 0) {
		assert_null(run_queue_first(queue));
		return;
	}
	assert_ptr_equal(run_queue_first(queue), model->entries[first][0]);
	run_queue_take_first(queue);
	model->turn = model->tickets[first][0].turn;
	model->last_served[first] = model->turn;
	model->was_served[first] = true;
	memmove(&model->tickets[first][0], &model->tickets[first][1],
		(WAITING - 1) * sizeof(model->tickets[0][0]));
	model_drop(model, first, 0);
	int waiting = 0;
	for (int client = 0; client < CLIENTS; client++)
		waiting += model->count[client];
	if (!waiting)
		model->turn++;
}

static void check_positions(const struct model *model, const struct run_queue *queue)
{
	for (int client = 0; client < CLIENTS; client++)
		for (int at = 0; at < model->count[client]; at++) {
			size_t position = 1;
			for (int other = 0; other < CLIENTS; other++)
				for (int i = 0; i < model->count[other]; i++)
					position +=
					    is_before(model->tickets[other][i], model->tickets[client][at]);
			assert_int_equal(run_queue_position(queue, model->entries[client][at]), position);
		}
}

static void it_does_what_a_simple_model_does(void **state)
{
	struct run_queue *queue = *state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		struct model *model = calloc(1, sizeof(*model));
		assert_non_null(model);
		unsigned random = seed;
		for (int step = 0; step < 300; step++) {
			int client = rand_r(&random) % CLIENTS, kind = rand_r(&random) % 8;
			if (kind < 4) {
				model_add(model, queue, client);
			} else if (kind < 7) {
				model_take(model, queue);
			} else if (model->count[client]) {
				int at = rand_r(&random) % model->count[client];
				run_queue_remove(queue, model->entries[client][at]);
				model_drop(model, client, at);
			}
			check_positions(model, queue);
		}
		while (run_queue_first(queue))
			model_take(model, queue);
		free(model);
		run_queue_destroy(queue);
		*state = queue = run_queue_create();
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_who_comes_after_a_hundred_of_another_is_second),
	    TEST(clients_take_turns_each_in_the_order_it_asked),
	    TEST(one_that_never_has_two_waiting_does_not_hold_up_the_rest),
	    TEST(a_newcomer_is_let_in_before_those_who_had_this_turn),
	    TEST(an_old_client_owes_nothing_once_the_queue_was_empty),
	    TEST(what_is_removed_costs_its_client_no_turn),
	    TEST(the_only_one_can_be_removed),
	    TEST(it_does_what_a_simple_model_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
