#pragma once

/* A loop, a scratch directory and peers that collect what they get: what every test of the channels needs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buffer.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/loop/loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { HARNESS_DEADLINE_MS = 10000 };

struct harness {
	struct loop *loop;
	char path[64];
	int dirfd;
};

static inline struct harness *harness_open(const char *parent)
{
	struct harness *harness = calloc(1, sizeof(*harness));
	assert_non_null(harness);
	harness->loop = loop_create(NULL);
	assert_non_null(harness->loop);
	snprintf(harness->path, sizeof(harness->path), "%s/emud-test-XXXXXX", parent);
	assert_non_null(mkdtemp(harness->path));
	harness->dirfd = open(harness->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(harness->dirfd >= 0);
	return harness;
}

static inline void harness_close(struct harness *harness)
{
	loop_destroy(harness->loop);
	close(harness->dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, harness->path, NULL), 0);
	free(harness);
}

/* ---- waiting ---- */

struct harness_wait {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*is_met)(void *data);
	void *data;
	int64_t deadline_ms;
};

static inline void harness_check(void *data)
{
	struct harness_wait *wait = data;
	if (wait->is_met(wait->data) || clock_monotonic_ms() >= wait->deadline_ms)
		loop_stop(wait->loop);
	else
		loop_timer_start(wait->timer, 1);
}

/* Runs the loop until is_met; false when the time is over. */
static inline bool harness_wait_ms(struct harness *harness, bool (*is_met)(void *data), void *data,
				   int64_t ms)
{
	struct harness_wait wait = {
	    .loop = harness->loop, .is_met = is_met, .data = data, .deadline_ms = clock_monotonic_ms() + ms};
	wait.timer = loop_timer_create(harness->loop, harness_check, &wait, NULL);
	loop_timer_start(wait.timer, 0);
	loop_run(harness->loop);
	loop_timer_destroy(wait.timer);
	return is_met(data);
}

static inline void harness_wait_until(struct harness *harness, bool (*is_met)(void *data), void *data)
{
	assert_true(harness_wait_ms(harness, is_met, data, HARNESS_DEADLINE_MS));
}

static inline bool harness_never(void *data)
{
	(void) data;
	return false;
}

/* Lets the loop work for a time in which nothing more is to happen. */
static inline void harness_settle(struct harness *harness, int64_t ms)
{
	harness_wait_ms(harness, harness_never, NULL, ms);
}

/* ---- inotify ---- */

/* Needs no descriptor: a test may have used them up. */
static inline int inotify_instances(void)
{
	int count = 0;
	for (int fd = 0; fd < 1024; fd++) {
		char path[64], target[64] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		count += readlink(path, target, sizeof(target) - 1) > 0 &&
			 strcmp(target, "anon_inode:inotify") == 0;
	}
	return count;
}

static inline bool has_no_inotify_instance(void *data)
{
	(void) data;
	return inotify_instances() == 0;
}

/* ---- peers ---- */

struct peer {
	int fd;
	struct loop_watch *watch;
	struct buffer received;
	size_t wanted;
	bool ended;
};

static inline void peer_on_ready(int events, void *data)
{
	(void) events;
	struct peer *peer = data;
	char bytes[65536];
	ssize_t count = read(peer->fd, bytes, sizeof(bytes));
	if (count > 0) {
		assert_int_equal(buffer_append(&peer->received, bytes, (size_t) count), 0);
	} else if (count == 0 || errno != EAGAIN) {
		peer->ended = true;
		loop_watch_set(peer->watch, 0);
	}
}

/* Takes fd. reading: false for one that does not read (yet). */
static inline struct peer *peer_create(struct harness *harness, int fd, bool reading)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	assert_non_null(peer);
	assert_true(fd >= 0);
	peer->fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	peer->watch =
	    loop_watch_create(harness->loop, fd, reading ? LOOP_READABLE : 0, peer_on_ready, peer, NULL);
	assert_non_null(peer->watch);
	return peer;
}

static inline void peer_destroy(struct peer *peer)
{
	loop_watch_destroy(peer->watch);
	close(peer->fd);
	buffer_finish(&peer->received);
	free(peer);
}

static inline int connect_tcp(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	return fd;
}

static inline bool peer_has_wanted(void *data)
{
	const struct peer *peer = data;
	return peer->received.length >= peer->wanted;
}

static inline bool peer_has_ended(void *data)
{
	const struct peer *peer = data;
	return peer->ended;
}

/* Waits for exactly this text to come next, and takes it. */
static inline void peer_expect(struct harness *harness, struct peer *peer, const char *text)
{
	peer->wanted = strlen(text);
	harness_wait_until(harness, peer_has_wanted, peer);
	assert_memory_equal(peer->received.data, text, strlen(text));
	buffer_consume(&peer->received, strlen(text));
}

static inline void write_whole(int fd, const void *bytes, size_t length)
{
	assert_int_equal(write(fd, bytes, length), (ssize_t) length);
}

static inline void write_text(int fd, const char *text)
{
	write_whole(fd, text, strlen(text));
}

/* ---- a pattern that tells each offset from its neighbours; `nuls`: NULs occur in it ---- */

static inline char pattern_byte(int64_t offset, bool nuls)
{
	uint64_t value = (uint64_t) offset * 2654435761u ^ (uint64_t) offset >> 9;
	return (char) (nuls ? value % 64 : 1 + value % 251);
}

static inline void pattern_fill(char *bytes, size_t length, int64_t offset, bool nuls)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = pattern_byte(offset + (int64_t) i, nuls);
}

static inline bool pattern_matches(const char *bytes, size_t length, int64_t offset, bool nuls)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern_byte(offset + (int64_t) i, nuls))
			return false;
	return true;
}
