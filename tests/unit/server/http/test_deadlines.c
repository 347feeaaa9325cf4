#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/deadlines.h"

static struct loop *loop;
static struct deadline *fired[4];
static size_t fired_count;

static void on_expired(struct deadline *deadline)
{
	fired[fired_count++] = deadline;
	if (fired_count == 2)
		loop_stop(loop);
}

static void test_deadlines_expire_in_order_unless_cleared(void **state)
{
	(void) state;
	static const unsigned delays_ms[DEADLINE_KINDS] = {20, 60, 30};
	struct error error = {0};
	struct deadline idle = {0}, head = {0}, body = {0}, moved = {0};
	loop = loop_create(&error);
	struct deadlines *deadlines = deadlines_create(loop, delays_ms, on_expired, &error);
	deadline_set(deadlines, &idle, DEADLINE_IDLE);
	deadline_set(deadlines, &head, DEADLINE_HEAD); /* earlier than what the timer waits for */
	deadline_set(deadlines, &body, DEADLINE_BODY);
	deadline_set(deadlines, &moved, DEADLINE_HEAD);
	deadline_clear(deadlines, &body);
	deadline_clear(deadlines, &moved);
	deadline_clear(deadlines, &moved);
	loop_run(loop);
	assert_int_equal(fired_count, 2);
	assert_ptr_equal(fired[0], &head);
	assert_ptr_equal(fired[1], &idle);
	deadlines_destroy(deadlines);
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_deadlines_expire_in_order_unless_cleared)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
