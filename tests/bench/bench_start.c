/* How long until a board runs, and until its first byte is here. Bare and emud in turn, so that a busy
 * moment of the machine meets both. */

#include "tests/bench/bare_qemu.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <stdio.h>
#include <unistd.h>

#define ROUNDS 31

static const char *hello(const struct service *service)
{
	static char path[4200];
	snprintf(path, sizeof(path), "%s/hello.elf", service->firmware_dir);
	return path;
}

static double bare_until_running(const struct service *service)
{
	struct bare_qemu qemu;
	double start = now_ms();
	bare_start(&qemu, hello(service), BARE_NO_CONSOLE);
	bare_negotiate(&qemu);
	double took = now_ms() - start;
	bare_stop(&qemu);
	return took;
}

static double emud_until_running(struct service *service)
{
	double start = now_ms();
	service_create(service, "start", "hello", "");
	double took = now_ms() - start;
	service_delete(service, "start");
	return took;
}

static double bare_first_byte(const struct service *service)
{
	struct bare_qemu qemu;
	char byte;
	double start = now_ms();
	bare_start(&qemu, hello(service), BARE_UNIX_CONSOLE);
	if (read(qemu.console, &byte, 1) != 1)
		fail("bare QEMU's console is silent");
	double took = now_ms() - start;
	bare_stop(&qemu);
	return took;
}

static double emud_first_byte(struct service *service)
{
	struct http follower;
	http_connect(&follower, service->port);
	double start = now_ms();
	service_create(service, "first", "hello", "");
	int status = http_open(&follower, "/instances/first/channels/serial0/output?follow=true");
	if (status != 200)
		fail("following a console: %d", status);
	if (!follower.used && read(follower.fd, follower.buffer, 1) != 1)
		fail("the follower was closed");
	double took = now_ms() - start;
	http_close(&follower);
	service_delete(service, "first");
	return took;
}

void bench_start(struct service *service)
{
	double bare[ROUNDS];
	double emud[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = bare_until_running(service);
		emud[round] = emud_until_running(service);
	}
	table_ratio("POST /instances until running", "1.15 or less", (struct sample){emud, ROUNDS},
		    (struct sample){bare, ROUNDS}, "ms");
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = bare_first_byte(service);
		emud[round] = emud_first_byte(service);
	}
	table_ratio("first console byte", "1.2 or less", (struct sample){emud, ROUNDS},
		    (struct sample){bare, ROUNDS}, "ms");
}
