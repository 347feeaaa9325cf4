/* How long until a board runs in Renode, by hand and by emud in turn. */

#include "tests/bench/bare_renode.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 11
#define FIRMWARE "netduinoplus2-hello" /* the same chip */

static double bare_until_running(const struct service *service)
{
	struct bare_renode renode;
	char image[4200];
	snprintf(image, sizeof(image), "%s/" FIRMWARE ".elf", service->firmware_dir);
	double start = now_ms();
	bare_renode_start(&renode, image);
	double took = now_ms() - start;
	bare_renode_stop(&renode);
	return took;
}

static double emud_until_running(struct service *service)
{
	char body[8192];
	char *answer;
	snprintf(
	    body, sizeof(body),
	    "{\"id\":\"renode\",\"target\":\"renode-stm32f4_discovery\",\"file\":{\"path\":\"%s/" FIRMWARE
	    ".elf\"}}",
	    service->firmware_dir);
	double start = now_ms();
	int status = http_call(&service->http, "POST", "/instances", body, NULL, &answer);
	double took = now_ms() - start;
	if (status != 201)
		fail("POST /instances on Renode: %d %s", status, answer);
	free(answer);
	service_delete(service, "renode");
	return took;
}

/* The same from a Renode that stands ready (renode.prestart), which has had the time to come up: twice what
 * the whole start takes by hand. */
static void bench_prestarted(const struct service *service, const char *what,
			     const double bare[static ROUNDS])
{
	static const char config_text[] =
	    "{\"pw\":{\"pw_emu\":{\"renode\":{\"prestart\":1},\"targets\":{\"renode-stm32f4_discovery\":{"
	    "\"renode\":{"
	    "\"machine\":\"platforms/boards/"
	    "stm32f4_discovery-kit.repl\",\"channels\":{\"terminals\":{\"serial0\":{"
	    "\"device-path\":\"sysbus.usart1\"}}}}}}}}}";
	struct service ready;
	double emud[ROUNDS];
	char config[128];
	snprintf(config, sizeof(config), "%s/prestart.json", service->state_dir);
	FILE *file = fopen(config, "we");
	if (!file || fputs(config_text, file) < 0 || fclose(file))
		fail("cannot write %s: %m", config);
	service_start(&ready, service->build, config);
	for (int round = 0; round < ROUNDS; round++) {
		usleep((useconds_t) (2000 * bare[round]) + 100000);
		emud[round] = emud_until_running(&ready);
	}
	service_stop(&ready);
	table_ratio(what, "none given", (struct sample){emud, ROUNDS}, (struct sample){bare, ROUNDS}, "ms");
}

void bench_renode(struct service *service)
{
	double bare[ROUNDS];
	double emud[ROUNDS];
	bool is_double = false;
	const char *missing = bare_renode_missing(&is_double);
	if (missing) {
		table_skipped("Renode: POST until running", missing);
		return;
	}
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = bare_until_running(service);
		emud[round] = emud_until_running(service);
	}
	table_ratio(is_double ? "Renode's DOUBLE: POST until running" : "Renode: POST until running",
		    "none given", (struct sample){emud, ROUNDS}, (struct sample){bare, ROUNDS}, "ms");
	bench_prestarted(service,
			 is_double ? "Renode's DOUBLE: the same, prestarted" : "Renode: the same, prestarted",
			 bare);
}
