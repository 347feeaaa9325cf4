/* POST .../expect that sends and waits for the answer, against who does the same on QEMU's own socket. */

#include "tests/bench/bare_qemu.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 201
#define WARM_UP 10

static double bare_round_trip(struct bare_qemu *qemu, const char *word)
{
	char seen[256] = "";
	size_t used = 0;
	double start = now_ms();
	if (write(qemu->console, word, strlen(word)) < 0)
		fail("bare QEMU's console: %m");
	while (!strstr(seen, word)) {
		ssize_t got = read(qemu->console, seen + used, sizeof(seen) - 1 - used);
		if (got <= 0)
			fail("bare QEMU's console was closed");
		used += (size_t) got;
		seen[used] = '\0';
	}
	return now_ms() - start;
}

static double emud_round_trip(struct service *service, const char *word)
{
	static const char path[] = "/instances/expect/channels/serial0/expect";
	char body[256], *answer;
	snprintf(body, sizeof(body),
		 "{\"send\":\"%s\",\"patterns\":[{\"name\":\"echo\",\"regex\":\"%s\"}],\"timeout\":10}", word,
		 word);
	double start = now_ms();
	int status = http_call(&service->http, "POST", path, body, NULL, &answer);
	double took = now_ms() - start;
	if (status != 200)
		fail("POST %s: %s", path, answer);
	free(answer);
	return took;
}

void bench_expect(struct service *service)
{
	struct bare_qemu qemu;
	char firmware[4200], word[32];
	double bare[ROUNDS], emud[ROUNDS];
	snprintf(firmware, sizeof(firmware), "%s/echo.elf", service->firmware_dir);
	bare_start(&qemu, firmware, BARE_UNIX_CONSOLE);
	service_create(service, "expect", "echo", "");
	for (int round = -WARM_UP; round < ROUNDS; round++) {
		snprintf(word, sizeof(word), "word %d.", round + WARM_UP);
		double bare_took = bare_round_trip(&qemu, word), emud_took = emud_round_trip(service, word);
		if (round < 0)
			continue;
		bare[round] = bare_took;
		emud[round] = emud_took;
	}
	service_delete(service, "expect");
	bare_stop(&qemu);
	table_ratio("expect that sends, against QEMU's socket", "-", (struct sample){emud, ROUNDS},
		    (struct sample){bare, ROUNDS}, "ms");
}
