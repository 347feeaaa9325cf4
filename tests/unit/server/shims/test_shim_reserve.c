#include "support.h"

#include "core/process/sweep.h"
#include "server/shims/shim_reserve.h"

#include <poll.h>
#include <sys/socket.h>

struct fixture {
	struct loop *loop;
	struct shim_reserve *reserve;
	struct shim_handle taken[2];
};

static int set_up(void **state)
{
	static char program[256];
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->loop = loop_create(NULL);
	fixture->reserve = shim_reserve_create(fixture->loop, program, NULL);
	fixture->taken[0].order_fd = fixture->taken[1].order_fd = -1;
	*state = fixture;
	return fixture->reserve ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	shim_dismiss(&fixture->taken[0]);
	shim_dismiss(&fixture->taken[1]);
	shim_reserve_destroy(fixture->reserve);
	loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

static void on_later(void *data)
{
	loop_stop(data);
}

/* Timers fire in their order: what is to be filled in has been by then. */
static void fill(struct fixture *fixture)
{
	struct loop_timer *later = loop_timer_create(fixture->loop, on_later, fixture->loop, NULL);
	shim_reserve_fill(fixture->reserve);
	loop_timer_start(later, 100);
	loop_run(fixture->loop);
	loop_timer_destroy(later);
}

static void take(struct fixture *fixture, int index)
{
	assert_int_equal(shim_reserve_take(fixture->reserve, &fixture->taken[index], NULL), 0);
	assert_true(shim_is_waiting(&fixture->taken[index]));
}

static void where_none_stands_ready_one_is_made(void **state)
{
	struct fixture *fixture = *state;
	take(fixture, 0);
	take(fixture, 1);
	assert_string_not_equal(fixture->taken[0].cookie, fixture->taken[1].cookie);
}

static void the_one_that_stands_ready_is_given_once(void **state)
{
	struct fixture *fixture = *state;
	fill(fixture);
	fill(fixture);
	take(fixture, 0);
	take(fixture, 1);
	assert_string_not_equal(fixture->taken[0].cookie, fixture->taken[1].cookie);
}

static void wait_for_end(const struct shim_handle *handle)
{
	struct pollfd end = {.fd = handle->order_fd, .events = POLLIN};
	assert_int_equal(poll(&end, 1, 10000), 1);
}

static void one_that_was_killed_is_not_given(void **state)
{
	struct fixture *fixture = *state;
	take(fixture, 0);
	sweep_cookie(fixture->taken[0].cookie);
	wait_for_end(&fixture->taken[0]);
	assert_false(shim_is_waiting(&fixture->taken[0]));
}

static void a_shim_without_an_order_ends_with_its_emud(void **state)
{
	struct fixture *fixture = *state;
	take(fixture, 0);
	/* The shim's end is held by the shim alone: a copy of ours tells when it is gone. */
	struct shim_handle watched = {.order_fd = dup(fixture->taken[0].order_fd)};
	shutdown(watched.order_fd, SHUT_WR);
	wait_for_end(&watched);
	shim_dismiss(&watched);
}

int main(int argc, char **argv)
{
	(void) argc;
	if (text_equal(argv[0], "emud-shim"))
		return play_shim();
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(where_none_stands_ready_one_is_made, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_one_that_stands_ready_is_given_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_that_was_killed_is_not_given, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_shim_without_an_order_ends_with_its_emud, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
