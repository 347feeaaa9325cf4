/* How fast a board prints that prints all it can, as one reader sees it, and while a hundred read. */

#include "tests/bench/bare_qemu.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 5
#define WARM_UP_MS 300
#define MEASURE_MS 1500
#define FOLLOWERS 100

static const char output_path[] = "/instances/flood/channels/serial0/output?follow=true&offset=-1";

/* Reads all connections for ms and returns the payload bytes of the first; streams NULL: no chunks. */
static size_t read_for(struct pollfd *fds, nfds_t count, struct http_stream *stream, double ms)
{
	static char buffer[256 * 1024];
	size_t bytes = 0;
	double end = now_ms() + ms;
	for (double now; (now = now_ms()) < end;) {
		if (poll(fds, count, (int) (end - now) + 1) < 0)
			fail("poll: %m");
		for (nfds_t i = 0; i < count; i++) {
			if (!fds[i].revents)
				continue;
			ssize_t got = read(fds[i].fd, buffer, sizeof(buffer));
			if (got <= 0)
				fail("a console was closed");
			if (i == 0)
				bytes +=
				    stream ? http_stream_count(stream, buffer, (size_t) got) : (size_t) got;
		}
	}
	return bytes;
}

static double rate(struct pollfd *fds, nfds_t count, struct http_stream *stream)
{
	read_for(fds, count, stream, WARM_UP_MS);
	double start = now_ms();
	size_t bytes = read_for(fds, count, stream, MEASURE_MS);
	return (double) bytes / 1e3 / (now_ms() - start);
}

static double bare_rate(const struct service *service)
{
	struct bare_qemu qemu;
	char firmware[4200];
	snprintf(firmware, sizeof(firmware), "%s/flood.elf", service->firmware_dir);
	bare_start(&qemu, firmware, BARE_TCP_CONSOLE);
	struct pollfd fd = {.fd = qemu.console, .events = POLLIN};
	double result = rate(&fd, 1, NULL);
	bare_stop(&qemu);
	return result;
}

static void follow(struct service *service, struct http *follower)
{
	http_connect(follower, service->port);
	int status = http_open(follower, output_path);
	if (status != 200)
		fail("GET %s: %d", output_path, status);
}

static double followed_rate(struct service *service)
{
	static struct http follower;
	struct http_stream stream = {0};
	service_create(service, "flood", "flood", "");
	follow(service, &follower);
	http_stream_count(&stream, follower.buffer, follower.used);
	struct pollfd fd = {.fd = follower.fd, .events = POLLIN};
	double result = rate(&fd, 1, &stream);
	http_close(&follower);
	service_delete(service, "flood");
	return result;
}

static double printed(struct service *service)
{
	char *body;
	service_call(service, 200, "GET", "/instances/flood/channels/serial0", &body);
	json_t *channel = json_loads(body, 0, NULL);
	double offset = (double) json_integer_value(json_object_get(channel, "next_offset"));
	json_decref(channel);
	free(body);
	return offset;
}

/* What the guest prints while that many follow it. */
static double guest_rate(struct service *service, int followers)
{
	static struct http connections[FOLLOWERS];
	static struct pollfd fds[FOLLOWERS];
	service_create(service, "flood", "flood", "");
	for (int i = 0; i < followers; i++) {
		follow(service, &connections[i]);
		fds[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
	}
	read_for(fds, (nfds_t) followers, NULL, WARM_UP_MS);
	double start = now_ms();
	double before = printed(service);
	read_for(fds, (nfds_t) followers, NULL, MEASURE_MS);
	double result = (printed(service) - before) / 1e3 / (now_ms() - start);
	for (int i = 0; i < followers; i++)
		http_close(&connections[i]);
	service_delete(service, "flood");
	return result;
}

void bench_console(struct service *service)
{
	double bare[ROUNDS];
	double emud[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = bare_rate(service);
		emud[round] = followed_rate(service);
	}
	table_ratio("console at a follower, against QEMU's socket", "1.1 or more",
		    (struct sample){emud, ROUNDS}, (struct sample){bare, ROUNDS}, "MB/s");
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = guest_rate(service, 0);
		emud[round] = guest_rate(service, FOLLOWERS);
	}
	table_ratio("console with 100 followers, against none", "0.8 or more", (struct sample){emud, ROUNDS},
		    (struct sample){bare, ROUNDS}, "MB/s");
}
