#include "core/emulators/qemu/end.h"

#include "core/base/json.h"

#include <string.h>

static const struct {
	const char *cause, *reason;
} shutdown_reasons[] = {
    {"guest-shutdown", "guest_shutdown"}, {"guest-reset", "guest_shutdown"}, /* -no-reboot */
    {"guest-panic", "crashed"},           {"host-error", "crashed"},
    {"host-qmp-quit", "terminated"},      {"host-qmp-system-reset", "terminated"}, /* -no-reboot */
    {"host-signal", "terminated"},        {"host-ui", "terminated"},
};

static const char *shutdown_reason(const json_t *event_data)
{
	const char *cause = json_member_string(event_data, "reason", "");
	for (size_t i = 0; i < sizeof(shutdown_reasons) / sizeof(shutdown_reasons[0]); i++)
		if (strcmp(shutdown_reasons[i].cause, cause) == 0)
			return shutdown_reasons[i].reason;
	return json_member_boolean(event_data, "guest", false) ? "guest_shutdown" : "terminated";
}

void qemu_life_note(struct qemu_life *life, const char *event, const json_t *event_data)
{
	if (strcmp(event, "SHUTDOWN") == 0) {
		life->shutdown = shutdown_reason(event_data);
	} else if (strcmp(event, "RESUME") == 0) {
		life->started = true;
		life->resumes++;
		/* Under -no-shutdown a guest that shut down may be taken up again. */
		life->shutdown = NULL;
	}
}

const char *qemu_end_reason(const struct qemu_life *life, const struct process_end *end)
{
	if (!life->started)
		return "start_failed";
	if (end->signal > 0)
		return "crashed";
	if (life->shutdown)
		return life->shutdown;
	if (life->resumes > 0)
		return "guest_exit";
	return end->code == 0 ? "terminated" : "crashed";
}
