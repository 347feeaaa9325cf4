#include "core/emulators/qemu/end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct process_end exit_0 = {.code = 0};
static const struct process_end exit_1 = {.code = 1};
static const struct process_end aborted = {.code = -1, .signal = 6};

static void note(struct qemu_life *life, const char *event, const char *reason, bool guest)
{
	json_t *data = reason ? json_pack("{s:s, s:b}", "reason", reason, "guest", guest) : NULL;
	qemu_life_note(life, event, data);
	json_decref(data);
}

static void tells_what_each_shutdown_means(void **state)
{
	(void) state;
	static const struct {
		const char *cause;
		bool guest;
		const char *reason;
	} rows[] = {
	    {"guest-shutdown", true, "guest_shutdown"},
	    {"guest-reset", true, "guest_shutdown"},
	    {"guest-panic", true, "crashed"},
	    {"host-error", false, "crashed"},
	    {"host-signal", false, "terminated"},
	    {"host-qmp-quit", false, "terminated"},
	    {"host-ui", false, "terminated"},
	    {"host-qmp-system-reset", false, "terminated"},
	    {"news-from-a-guest", true, "guest_shutdown"},
	    {"news-from-a-host", false, "terminated"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct qemu_life life = {0};
		note(&life, "RESUME", NULL, false);
		note(&life, "SHUTDOWN", rows[i].cause, rows[i].guest);
		assert_string_equal(qemu_end_reason(&life, &exit_0), rows[i].reason);
		assert_string_equal(qemu_end_reason(&life, &aborted), "crashed");
	}
}

static void takes_an_exit_without_shutdown_for_the_guests_own(void **state)
{
	(void) state;
	struct qemu_life life = {0};
	note(&life, "RESUME", NULL, false);
	assert_string_equal(qemu_end_reason(&life, &exit_1), "guest_exit");
	assert_string_equal(qemu_end_reason(&life, &exit_0), "guest_exit");
	assert_string_equal(qemu_end_reason(&life, &aborted), "crashed");
}

static void knows_an_end_before_the_start(void **state)
{
	(void) state;
	struct qemu_life life = {0};
	assert_string_equal(qemu_end_reason(&life, &exit_1), "start_failed");
	assert_string_equal(qemu_end_reason(&life, &aborted), "start_failed");
}

static void knows_an_error_of_one_that_stood_paused(void **state)
{
	(void) state;
	struct qemu_life life = {.started = true};
	assert_string_equal(qemu_end_reason(&life, &exit_1), "crashed");
	assert_string_equal(qemu_end_reason(&life, &exit_0), "terminated");
}

static void forgets_a_shutdown_that_was_taken_up_again(void **state)
{
	(void) state;
	struct qemu_life life = {0};
	note(&life, "RESUME", NULL, false);
	note(&life, "SHUTDOWN", "guest-shutdown", true);
	note(&life, "RESUME", NULL, false);
	assert_string_equal(qemu_end_reason(&life, &exit_1), "guest_exit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_what_each_shutdown_means),
	    cmocka_unit_test(takes_an_exit_without_shutdown_for_the_guests_own),
	    cmocka_unit_test(knows_an_end_before_the_start),
	    cmocka_unit_test(knows_an_error_of_one_that_stood_paused),
	    cmocka_unit_test(forgets_a_shutdown_that_was_taken_up_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
