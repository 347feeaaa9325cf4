#include "tests/bench/bare_qemu.h"

#include "tests/bench/measure.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A socket pair whose second end a child inherits. */
static void make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || fcntl(pair[0], F_SETFD, FD_CLOEXEC))
		fail("socketpair: %m");
}

/* A listener that a child inherits, and a connection to it, in pair's order: ours first. */
static void make_tcp(int pair[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	pair[1] = socket(AF_INET, SOCK_STREAM, 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(pair[1], (struct sockaddr *) &address, size) || listen(pair[1], 1) ||
	    getsockname(pair[1], (struct sockaddr *) &address, &size) ||
	    connect(pair[0], (struct sockaddr *) &address, size))
		fail("tcp console: %m");
}

void bare_start(struct bare_qemu *qemu, const char *firmware, enum bare_console console)
{
	int qmp[2];
	int serial[2] = {-1, -1};
	make_pair(qmp);
	if (console == BARE_UNIX_CONSOLE)
		make_pair(serial);
	else if (console == BARE_TCP_CONSOLE)
		make_tcp(serial);
	char monitor[64];
	char chardev[64];
	snprintf(monitor, sizeof(monitor), "socket,id=qmp,fd=%d", qmp[1]);
	if (console == BARE_NO_CONSOLE)
		strcpy(chardev, "null,id=serial0");
	else
		snprintf(chardev, sizeof(chardev), "socket,id=serial0,fd=%d%s", serial[1],
			 console == BARE_TCP_CONSOLE ? ",server=on,wait=on" : "");
	char kernel[4096];
	snprintf(kernel, sizeof(kernel), "%s", firmware);
	char *argv[] = {"qemu-system-arm",
			"-nographic",
			"-nodefaults",
			"-display",
			"none",
			"-machine",
			"lm3s6965evb",
			"-chardev",
			monitor,
			"-mon",
			"chardev=qmp,mode=control",
			"-chardev",
			chardev,
			"-serial",
			"chardev:serial0",
			"-kernel",
			kernel,
			NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int status = posix_spawnp(&qemu->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		fail("cannot start qemu-system-arm: %s", strerror(status));
	close(qmp[1]);
	if (serial[1] >= 0)
		close(serial[1]);
	qemu->qmp = qmp[0];
	qemu->console = serial[0];
	qemu->used = 0;
}

/* Reads lines until one holds text. */
static void wait_for(struct bare_qemu *qemu, const char *text, const char *other)
{
	bool seen = false;
	bool other_seen = !other;
	while (!seen || !other_seen) {
		char *end = memchr(qemu->buffer, '\n', qemu->used);
		if (!end) {
			ssize_t got =
			    read(qemu->qmp, qemu->buffer + qemu->used, sizeof(qemu->buffer) - 1 - qemu->used);
			if (got <= 0)
				fail("bare QEMU ended");
			qemu->used += (size_t) got;
			continue;
		}
		*end = '\0';
		seen = seen || strstr(qemu->buffer, text);
		other_seen = other_seen || strstr(qemu->buffer, other);
		size_t line = (size_t) (end - qemu->buffer) + 1;
		qemu->used -= line;
		memmove(qemu->buffer, qemu->buffer + line, qemu->used);
	}
}

void bare_negotiate(struct bare_qemu *qemu)
{
	wait_for(qemu, "\"QMP\"", NULL);
	bare_command(qemu, "{\"execute\":\"qmp_capabilities\"}\n", NULL);
}

void bare_command(struct bare_qemu *qemu, const char *line, const char *event)
{
	if (write(qemu->qmp, line, strlen(line)) < 0)
		fail("bare QEMU: %m");
	wait_for(qemu, "\"return\"", event);
}

void bare_stop(struct bare_qemu *qemu)
{
	kill(qemu->pid, SIGKILL);
	waitpid(qemu->pid, NULL, 0);
	close(qemu->qmp);
	if (qemu->console >= 0)
		close(qemu->console);
}
