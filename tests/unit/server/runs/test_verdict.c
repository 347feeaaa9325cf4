/* What the end of a board says: every reason an instance may tell, with and without a pass pattern. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/runs/verdict.h"

#include <stdlib.h>

static void check(const char *exit, bool wants_pass, const char *verdict, const char *reason,
		  const char *detail)
{
	struct verdict told;
	json_t *json = json_loads(exit, JSON_DECODE_ANY, NULL);
	assert_non_null(json);
	verdict_of_exit(json, wants_pass, &told);
	assert_string_equal(told.verdict, verdict);
	assert_string_equal(told.reason, reason);
	if (detail)
		assert_string_equal(told.detail, detail);
	else
		assert_null(told.detail);
	free(told.detail);
	json_decref(json);
}

/* Whatever was asked for. */
static void check_both(const char *exit, const char *verdict, const char *reason, const char *detail)
{
	check(exit, false, verdict, reason, detail);
	check(exit, true, verdict, reason, detail);
}

static void an_exit_with_0_passes_where_no_pattern_has_to(void **state)
{
	(void) state;
	const char exit[] = "{\"reason\":\"guest_exit\",\"code\":0,\"signal\":null,\"detail\":null}";
	check(exit, false, "passed", "guest_exit", NULL);
	check(exit, true, "failed", "no_pass_pattern",
	      "the guest ended, and no pass pattern matched what it printed");
}

static void another_exit_fails(void **state)
{
	(void) state;
	check_both("{\"reason\":\"guest_exit\",\"code\":3,\"signal\":null,\"detail\":\"words\"}", "failed",
		   "guest_exit", "the guest exited with code 3");
	check_both("{\"reason\":\"guest_exit\",\"code\":-1}", "failed", "guest_exit",
		   "the guest exited with code -1");
	check_both("{\"reason\":\"guest_exit\",\"code\":256}", "failed", "guest_exit",
		   "the guest exited with code 256");
}

static void a_shutdown_is_no_pass(void **state)
{
	(void) state;
	const char exit[] = "{\"reason\":\"guest_shutdown\",\"code\":0}";
	check(exit, false, "failed", "guest_shutdown",
	      "the guest shut down without an exit code: name a pass pattern");
	check(exit, true, "failed", "no_pass_pattern",
	      "the guest ended, and no pass pattern matched what it printed");
}

static void a_crash_is_a_crash_with_its_words(void **state)
{
	(void) state;
	check_both("{\"reason\":\"crashed\",\"signal\":\"SIGABRT\",\"code\":null,\"detail\":\"Lockup\"}",
		   "crashed", "crashed", "the emulator ended by SIGABRT: Lockup");
	check_both("{\"reason\":\"crashed\",\"signal\":\"SIGSEGV\",\"detail\":null}", "crashed", "crashed",
		   "the emulator ended by SIGSEGV");
	check_both("{\"reason\":\"crashed\",\"signal\":null,\"code\":1,\"detail\":\"out of memory\"}",
		   "crashed", "crashed", "out of memory");
	check_both("{\"reason\":\"supervisor_lost\",\"detail\":\"its shim is gone\"}", "crashed",
		   "supervisor_lost", "its shim is gone");
}

static void what_did_not_start_says_why(void **state)
{
	(void) state;
	check_both("{\"reason\":\"start_failed\",\"code\":1,\"detail\":\"no such device\"}", "not_started",
		   "start_failed", "no such device");
}

/* QEMU exits with 0 on SIGTERM. */
static void somebody_else_s_end_is_no_pass(void **state)
{
	(void) state;
	check_both("{\"reason\":\"stopped\",\"code\":0}", "canceled", "stopped", NULL);
	check_both("{\"reason\":\"terminated\",\"code\":0,\"signal\":null,\"detail\":\"by SIGTERM\"}",
		   "canceled", "stopped", "by SIGTERM");
	check_both("{\"reason\":\"killed\",\"signal\":\"SIGKILL\"}", "canceled", "stopped",
		   "the emulator ended by SIGKILL");
	check_both("{\"reason\":\"host_restarted\"}", "canceled", "host_restarted", NULL);
}

/* What is not told, or unheard of, passes nothing. */
static void an_end_that_nobody_explains_is_no_pass(void **state)
{
	(void) state;
	check("null", false, "failed", "guest_shutdown",
	      "the guest shut down without an exit code: name a pass pattern");
	check("{\"reason\":\"\",\"code\":0}", false, "failed", "guest_shutdown",
	      "the guest shut down without an exit code: name a pass pattern");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_exit_with_0_passes_where_no_pattern_has_to),
	    cmocka_unit_test(another_exit_fails),
	    cmocka_unit_test(a_shutdown_is_no_pass),
	    cmocka_unit_test(a_crash_is_a_crash_with_its_words),
	    cmocka_unit_test(what_did_not_start_says_why),
	    cmocka_unit_test(somebody_else_s_end_is_no_pass),
	    cmocka_unit_test(an_end_that_nobody_explains_is_no_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
