#include "server/runs/verdict.h"

#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>

/* Why a board has ended, and what that means however its patterns stand. */
static const struct {
	const char *exit_reason, *verdict, *reason;
} rows[] = {
    {"crashed", "crashed", "crashed"},
    {"supervisor_lost", "crashed", "supervisor_lost"},
    {"start_failed", "not_started", "start_failed"},
    /* Somebody else's doing, whatever the emulator's exit code says. */
    {"stopped", "canceled", "stopped"},
    {"terminated", "canceled", "stopped"},
    {"killed", "canceled", "stopped"},
    {"host_restarted", "canceled", "host_restarted"},
};

static char *told_detail(const json_t *exit)
{
	const char *detail = json_member_string(exit, "detail", NULL);
	const char *signal = json_member_string(exit, "signal", NULL);
	if (!signal)
		return detail ? strdup(detail) : NULL;
	return text_format("the emulator ended by %s%s%s", signal, detail ? ": " : "", detail ? detail : "");
}

/* The guest ended it. */
static void judge_guest(const json_t *exit, bool wants_pass, struct verdict *verdict)
{
	bool has_code = text_equal(json_member_string(exit, "reason", ""), "guest_exit");
	json_int_t code = json_member_integer(exit, "code", 0);
	*verdict = (struct verdict){"failed", has_code ? "guest_exit" : "guest_shutdown", NULL};
	if (has_code && code != 0) {
		verdict->detail = text_format("the guest exited with code %lld", (long long) code);
	} else if (wants_pass) {
		verdict->reason = "no_pass_pattern";
		verdict->detail = strdup("the guest ended, and no pass pattern matched what it printed");
	} else if (has_code) {
		verdict->verdict = "passed";
	} else {
		verdict->detail = strdup("the guest shut down without an exit code: name a pass pattern");
	}
}

void verdict_of_exit(const json_t *exit, bool wants_pass, struct verdict *ret_verdict)
{
	const char *reason = json_member_string(exit, "reason", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_equal(rows[i].exit_reason, reason)) {
			*ret_verdict = (struct verdict){rows[i].verdict, rows[i].reason, told_detail(exit)};
			return;
		}
	judge_guest(exit, wants_pass, ret_verdict);
}
