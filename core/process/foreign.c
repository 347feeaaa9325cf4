#include "core/process/foreign.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/process/proctree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>

enum {
	COMMAND_BYTES_MAX = 4 * 1024 * 1024,
	/* Ticks and file times are coarse, and clocks are set. */
	CLOCK_SLACK_MS = 2000,
};

struct foreign_process {
	int pidfd;
	struct loop_watch *watch;
	void (*on_end)(void *data);
	void *data;
};

/* ---- is it the one? ---- */

static int refuse(const struct foreign_claim *claim, int number, const char *why, struct error *error)
{
	return error_set(error, number, "not_adoptable", "%.100s (pid %d) %s", claim->name, (int) claim->pid,
			 why);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char **foreign_command(pid_t pid)
{
	char path[64];
	cleanup_free char *text = NULL;
	size_t length;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int) pid);
	if (file_read(AT_FDCWD, path, COMMAND_BYTES_MAX, &text, &length, NULL) < 0 || length == 0)
		return NULL;
	cleanup_text_vector char **command = text_vector_copy(NULL);
	for (const char *at = text; at < text + length; at += strlen(at) + 1)
		if (text_vector_append(&command, at) < 0)
			return NULL;
	return TAKE(command);
}

/* By the file it executes, or by its first words: the program, or the interpreter and the program. */
static bool runs(pid_t pid, const char *program)
{
	char path[64], target[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%d/exe", (int) pid);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	char *deleted = strstr(target, " (deleted)");
	if (deleted)
		*deleted = '\0';
	if (text_equal(base_name(target), base_name(program)))
		return true;
	cleanup_text_vector char **command = foreign_command(pid);
	for (size_t i = 0; command && command[i] && i < 2; i++)
		if (text_equal(base_name(command[i]), base_name(program)))
			return true;
	return false;
}

static int64_t started_at_wall_ms(const struct proc_stat *stat)
{
	struct timespec since_boot;
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	int64_t now_ms = (int64_t) since_boot.tv_sec * 1000 + since_boot.tv_nsec / 1000000;
	int64_t started_ms = (int64_t) (stat->start_time * 1000 / (unsigned long long) sysconf(_SC_CLK_TCK));
	return clock_wall_ms() - (now_ms - started_ms);
}

static int check(const struct foreign_claim *claim, struct error *error)
{
	char path[32];
	struct stat owner;
	struct proc_stat stat;
	snprintf(path, sizeof(path), "/proc/%d", (int) claim->pid);
	if (proc_stat_read(claim->pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X')
		return refuse(claim, -ESRCH, "has ended", error);
	if (claim->pid == getpid())
		return refuse(claim, -EINVAL, "is a process of emud's own", error);
	if (lstat(path, &owner) < 0 || owner.st_uid != geteuid())
		return refuse(claim, -EPERM, "is another user's process", error);
	bool is_right = runs(claim->pid, claim->program);
	/* On its way out it has neither program nor command line any more. */
	cleanup_text_vector char **command = is_right ? NULL : foreign_command(claim->pid);
	if (!is_right && !command)
		return refuse(claim, -ESRCH, "has ended", error);
	if (!is_right)
		return error_set(error, -EINVAL, "not_adoptable",
				 "%.100s (pid %d) does not run %.300s, as the configuration says",
				 claim->name, (int) claim->pid, claim->program);
	if (started_at_wall_ms(&stat) > claim->not_after_wall_ms + CLOCK_SLACK_MS)
		return refuse(claim, -ESRCH,
			      "was started after handles.json was written: its number has been given anew",
			      error);
	return 0;
}

int foreign_open(const struct foreign_claim *claim, struct error *error)
{
	/* First the descriptor, which holds whoever has the number now; then the look at whom it holds. */
	cleanup_close int pidfd = pidfd_open(claim->pid, 0);
	if (pidfd < 0)
		return errno == ESRCH || errno == EINVAL
			   ? refuse(claim, -ESRCH, "has ended", error)
			   : error_set_errno(error, -errno, "not_adoptable", "%.100s (pid %d)", claim->name,
					     (int) claim->pid);
	int result = check(claim, error);
	if (result < 0)
		return result;
	/* It was not replaced while it was looked at. */
	if (pidfd_send_signal(pidfd, 0, NULL, 0) < 0)
		return refuse(claim, -ESRCH, "has ended", error);
	return TAKE_FD(pidfd);
}

/* ---- its end ---- */

static void on_ready(int events, void *data)
{
	(void) events;
	struct foreign_process *process = data;
	loop_watch_destroy(TAKE(process->watch));
	/* The last thing done here: the process may be destroyed in it. */
	process->on_end(process->data);
}

struct foreign_process *foreign_process_create(struct loop *loop, int pidfd, void (*on_end)(void *data),
					       void *data, struct error *error)
{
	struct foreign_process *process = calloc(1, sizeof(*process));
	if (!process) {
		close(pidfd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*process = (struct foreign_process){.pidfd = pidfd, .on_end = on_end, .data = data};
	process->watch = loop_watch_create(loop, pidfd, LOOP_READABLE, on_ready, process, error);
	if (process->watch)
		return process;
	foreign_process_destroy(process);
	return NULL;
}

int foreign_process_signal(struct foreign_process *process, int signal_number)
{
	return pidfd_send_signal(process->pidfd, signal_number, NULL, 0) < 0 ? -errno : 0;
}

void foreign_process_destroy(struct foreign_process *process)
{
	if (!process)
		return;
	loop_watch_destroy(process->watch);
	close(process->pidfd);
	free(process);
}
