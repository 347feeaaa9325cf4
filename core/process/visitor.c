#include "core/process/visitor.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct visitor_user visitor_user(void)
{
	return (struct visitor_user){.uid = geteuid(), .gid = getegid()};
}

static int write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int visitor_map_user(struct visitor_user user)
{
	char map[64];
	/* Without this an unprivileged user may map no group; a kernel before 3.19 has no such file. */
	int result = write_file("/proc/self/setgroups", "deny");
	if (result < 0 && result != -ENOENT)
		return result;
	snprintf(map, sizeof(map), "%u %u 1\n", user.uid, user.uid);
	result = write_file("/proc/self/uid_map", map);
	if (result < 0)
		return result;
	snprintf(map, sizeof(map), "%u %u 1\n", user.gid, user.gid);
	return write_file("/proc/self/gid_map", map);
}

int visitor_open_namespace(const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int visitor_send(unsigned long flags, void (*visit)(void *data), void *data, size_t size, struct error *error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(error, -errno, NULL, "cannot visit a namespace");
	cleanup_close int read_end = ends[0];
	cleanup_close int write_end = ends[1];
	sigset_t all, before;
	/* No handler of ours may run in it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	long pid = syscall(SYS_clone, flags | CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		visit(data);
		/* The pipe's bytes outlive it. */
		_exit(write(write_end, data, size) == (ssize_t) size ? 0 : 1);
	}
	int number = pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (number < 0)
		return error_set_errno(error, number, NULL, "no namespaces can be made here");
	while (waitpid((pid_t) pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (read(read_end, data, size) != (ssize_t) size)
		return error_set(error, -ECHILD, NULL, "a visitor of a namespace was killed");
	return 0;
}
