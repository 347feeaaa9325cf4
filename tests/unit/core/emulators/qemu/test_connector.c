/* Actions and properties on the real QEMU. */

#include "support.h"

#include "core/loop/listener.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const uint32_t loop_forever[] = {0x20001000, 9, 0xbf00e7fe};

static int set_up(void **state)
{
	struct board *board = calloc(1, sizeof(*board));
	board_start(board, &(struct board_options){.executable = "qemu-system-arm",
						   .machine = "lm3s6965evb",
						   .firmware = loop_forever,
						   .firmware_bytes = sizeof(loop_forever)});
	board_wait_start(board);
	*state = board;
	return 0;
}

static int tear_down(void **state)
{
	board_stop(*state);
	free(*state);
	return 0;
}

static void expect_done(const struct board_answer *answer)
{
	if (answer->number)
		fail_msg("%s: %s", answer->code, answer->words);
}

static void expect_refused(const struct board_answer *answer, const char *code, const char *words)
{
	assert_true(answer->number < 0);
	assert_string_equal(answer->code, code);
	assert_string_equal(answer->words, words);
	assert_null(answer->result);
}

static void pauses_and_resumes(void **state)
{
	struct board *board = *state;
	expect_done(board_pause(board));
	board_wait(board, &board->paused, 1);
	expect_done(board_pause(board));
	expect_done(board_resume(board));
	board_wait(board, &board->running, 1);
	expect_done(board_resume(board));
	assert_int_equal(board->paused, 1);
	assert_int_equal(board->running, 1);
}

static void a_reset_keeps_running_or_paused(void **state)
{
	struct board *board = *state;
	expect_done(board_reset(board));
	assert_int_equal(board->paused, 0);
	expect_done(board_pause(board));
	int running = board->running;
	expect_done(board_reset(board));
	assert_int_equal(board->running, running);
	assert_int_equal(board->paused, 1);
	assert_null(board->answer.result);
}

static void a_gdb_client_is_told_as_a_pause(void **state)
{
	struct board *board = *state;
	int fd = listener_connect_unix(board->dirfd, "gdb.sock", NULL);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, "$?#3f", 5, 0), 5);
	board_wait(board, &board->paused, 1);
	close(fd);
}

static void quits(void **state)
{
	struct board *board = *state;
	expect_done(board_quit(board));
	assert_string_equal(board_wait_end(board), "terminated");
	assert_int_equal(board->end.code, 0);
}

static void calls_after_the_end_are_refused(void **state)
{
	struct board *board = *state;
	process_signal(board->process, SIGKILL);
	board_wait(board, &board->lost, 1);
	assert_string_equal(board_reset(board)->code, "not_running");
	assert_string_equal(board_get(board, "/machine", "type")->code, "not_running");
}

static bool lists(const json_t *list, const char *name, const char *type)
{
	size_t index;
	json_t *row;
	json_array_foreach (list, index, row)
		if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
			return strcmp(json_string_value(json_object_get(row, "type")), type) == 0;
	return false;
}

static void lists_properties(void **state)
{
	struct board *board = *state;
	const struct board_answer *answer = board_list(board, "/machine");
	expect_done(answer);
	assert_true(lists(answer->result, "graphics", "bool"));
	expect_done(board_list(board, "/machine/unattached/device[10]"));
	assert_true(lists(board->answer.result, "pullups", "uint32"));
	expect_refused(board_list(board, "/nosuch"), "property_not_found", "Device '/nosuch' not found");
	expect_refused(board_list(board, ""), "invalid_value", "Path '' is ambiguous");
}

static void gets_properties(void **state)
{
	struct board *board = *state;
	expect_done(board_get(board, "/machine/unattached/device[1]", "type"));
	assert_string_equal(json_string_value(board->answer.result), "armv7m");
	expect_done(board_get(board, "/machine/unattached/system[0]", "size"));
	assert_string_equal(json_string_value(board->answer.result), "18446744073709551615");
	expect_refused(board_get(board, "/machine", "nosuch"), "property_not_found",
		       "Property 'lm3s6965evb-machine.nosuch' not found");
	expect_refused(board_get(board, "/nosuch", "type"), "property_not_found",
		       "Device '/nosuch' not found");
}

static void sets_properties_of_each_type(void **state)
{
	struct board *board = *state;
	expect_done(board_set(board, "/machine", "graphics", json_false()));
	assert_null(board->answer.result);
	expect_done(board_get(board, "/machine", "graphics"));
	assert_true(json_is_false(board->answer.result));
	expect_done(board_set(board, "/machine", "phandle-start", json_integer(77)));
	expect_done(board_get(board, "/machine", "phandle-start"));
	assert_int_equal(json_integer_value(board->answer.result), 77);
	expect_done(board_set(board, "/machine", "append", json_string("a \"b\", c")));
	expect_done(board_get(board, "/machine", "append"));
	assert_string_equal(json_string_value(board->answer.result), "a \"b\", c");
	/* Digits stay text where text is wanted. */
	expect_done(board_set(board, "/machine", "append", json_string("18446744073709551615")));
	expect_done(board_get(board, "/machine", "append"));
	assert_string_equal(json_string_value(board->answer.result), "18446744073709551615");
}

static void refuses_values_that_do_not_fit(void **state)
{
	struct board *board = *state;
	expect_refused(board_set(board, "/machine", "graphics", json_string("x")), "invalid_value",
		       "Invalid parameter type for 'graphics', expected: boolean");
	expect_refused(board_set(board, "/machine", "phandle-start", json_string("18446744073709551616")),
		       "invalid_value", "Invalid parameter type for 'phandle-start', expected: integer");
	expect_refused(board_set(board, "/machine", "phandle-start", json_string("5")), "invalid_value",
		       "Invalid parameter type for 'phandle-start', expected: integer");
	expect_refused(board_set(board, "/machine", "type", json_string("x")), "invalid_value",
		       "Property 'lm3s6965evb-machine.type' is not writable");
	expect_refused(
	    board_set(board, "/machine/unattached/system[0]", "size", json_string("18446744073709551615")),
	    "invalid_value", "Property 'memory-region.size' is not writable");
	expect_refused(board_set(board, "/machine/unattached/device[10]", "pullups", json_integer(1)),
		       "invalid_value",
		       "Attempt to set property 'pullups' on anonymous device (type 'pl061_luminary') after "
		       "it was realized");
	expect_refused(board_set(board, "/machine", "memory-backend", json_string("/nosuch")),
		       "invalid_value", "Device '/nosuch' not found");
	expect_refused(board_set(board, "/machine", "nosuch", json_integer(1)), "property_not_found",
		       "Property 'lm3s6965evb-machine.nosuch' not found");
	expect_refused(board_set(board, "/nosuch", "x", json_integer(1)), "property_not_found",
		       "Device '/nosuch' not found");
}

/* "rvbar" of an AArch64 CPU is a uint64 that can be set while it runs. */
static void sets_integers_beyond_64_bits(void **state)
{
	(void) state;
	static const char *const cpu[] = {"-cpu", "cortex-a53", NULL};
	struct board board;
	board_start(&board,
		    &(struct board_options){
			.executable = "qemu-system-aarch64", .machine = "virt", .paused = true, .args = cpu});
	board_wait_start(&board);
	const char *path = "/machine/unattached/device[0]";
	expect_done(board_set(&board, path, "rvbar", json_string("18446744073709551615")));
	expect_done(board_get(&board, path, "rvbar"));
	assert_string_equal(json_string_value(board.answer.result), "18446744073709551615");
	assert_string_equal(board_set(&board, path, "rvbar", json_string("18446744073709551616"))->code,
			    "invalid_value");
	board_stop(&board);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    TEST(pauses_and_resumes),
	    TEST(a_reset_keeps_running_or_paused),
	    TEST(a_gdb_client_is_told_as_a_pause),
	    TEST(quits),
	    TEST(calls_after_the_end_are_refused),
	    TEST(lists_properties),
	    TEST(gets_properties),
	    TEST(sets_properties_of_each_type),
	    TEST(refuses_values_that_do_not_fit),
	    cmocka_unit_test(sets_integers_beyond_64_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
