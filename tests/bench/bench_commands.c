/* What a call to a running board costs, against the same QMP command on a unix socket. */

#include "tests/bench/bare_qemu.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <stdio.h>

#define READS 2000
#define ACTIONS 200

static const char property_path[] = "/instances/commands/property?path=/machine&name=type";
static const char qom_get[] =
    "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine\",\"property\":\"type\"}}\n";

static void bench_property(struct service *service, struct bare_qemu *qemu)
{
	static double bare[READS];
	static double emud[READS];
	for (int i = 0; i < READS; i++) {
		double start = now_ms();
		bare_command(qemu, qom_get, NULL);
		double between = now_ms();
		service_call(service, 200, "GET", property_path, NULL);
		bare[i] = between - start;
		emud[i] = now_ms() - between;
	}
	table_ratio("property read", "2 or less", (struct sample){emud, READS}, (struct sample){bare, READS},
		    "ms");
}

/* The i-th time each action takes, for three actions in the order they can be repeated in. */
static const struct action {
	const char *name;
	const char *path;
	const char *command;
	const char *event;
} actions[] = {
    {"reset", "/instances/commands/reset", "{\"execute\":\"system_reset\"}\n", "\"RESET\""},
    {"pause", "/instances/commands/pause", "{\"execute\":\"stop\"}\n", "\"STOP\""},
    {"resume", "/instances/commands/resume", "{\"execute\":\"cont\"}\n", "\"RESUME\""},
};
enum { ACTION_KINDS = sizeof(actions) / sizeof(actions[0]) };

static void bench_actions(struct service *service, struct bare_qemu *qemu)
{
	static double bare[ACTION_KINDS][ACTIONS];
	static double emud[ACTION_KINDS][ACTIONS];
	for (int i = 0; i < ACTIONS; i++) {
		for (int kind = 0; kind < ACTION_KINDS; kind++) {
			double start = now_ms();
			bare_command(qemu, actions[kind].command, actions[kind].event);
			double between = now_ms();
			service_call(service, 200, "POST", actions[kind].path, NULL);
			bare[kind][i] = between - start;
			emud[kind][i] = now_ms() - between;
		}
	}
	for (int kind = 0; kind < ACTION_KINDS; kind++) {
		double ours = median(emud[kind], ACTIONS);
		double theirs = median(bare[kind], ACTIONS);
		char note[128];
		snprintf(note, sizeof(note), "= emud %.3f ms - bare %.3f ms", ours, theirs);
		table_value(actions[kind].name, "under 1 ms ours", ours - theirs, "ms", note);
	}
}

void bench_commands(struct service *service)
{
	struct bare_qemu qemu;
	char firmware[4200];
	snprintf(firmware, sizeof(firmware), "%s/hello.elf", service->firmware_dir);
	bare_start(&qemu, firmware, BARE_NO_CONSOLE);
	bare_negotiate(&qemu);
	service_create(service, "commands", "hello", "");
	bench_property(service, &qemu);
	bench_actions(service, &qemu);
	service_delete(service, "commands");
	bare_stop(&qemu);
}
