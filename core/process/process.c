#include "core/process/process.h"

#include "core/base/cleanup.h"
#include "core/process/launch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	pid_t pid;                /* 0 once reaped */
	int pidfd;                /* owned */
	struct loop_watch *watch; /* owned */
	void (*on_exit)(const struct process_end *end, void *data);
	void *data;
	LIST_ENTRY(process) others;
};

/*
 * The children that are to be reaped here. Children belong to the program as a whole, whoever started them:
 * this list is the program's own note beside the kernel's, so that a sweep does not take an exit status away.
 * The loop's thread alone touches it.
 */
static LIST_HEAD(process_list, process) owned = LIST_HEAD_INITIALIZER(owned);

bool process_owns(pid_t pid)
{
	const struct process *process;

	LIST_FOREACH (process, &owned, others)
		if (process->pid == pid)
			return true;
	return false;
}

/* Not by waitid: it does not wait on a pidfd that the loop has made non-blocking. */
static void wait_until_ended(const struct process *process)
{
	struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};

	while (poll(&ended, 1, -1) < 0 && errno == EINTR)
		;
}

/* False while the child still runs. */
static bool reap(struct process *process, struct process_end *ret_end)
{
	siginfo_t info = {.si_pid = 0};
	int result;

	do
		result = waitid(P_PIDFD, (id_t) process->pidfd, &info, WEXITED | WNOHANG);
	while (result < 0 && errno == EINTR);
	if (result == 0 && info.si_pid == 0)
		return false;
	bool exited = result == 0 && info.si_code == CLD_EXITED;
	/* Without a status (a stranger reaped it) it is at least told that it ended, and not of its own
	 * will. */
	int signal_number = result == 0 ? info.si_status : SIGKILL;
	*ret_end =
	    (struct process_end){.code = exited ? info.si_status : -1, .signal = exited ? 0 : signal_number};
	process->pid = 0;
	LIST_REMOVE(process, others);
	return true;
}

static void on_ended(int events, void *data)
{
	struct process *process = data;
	struct process_end end;

	(void) events;
	if (!reap(process, &end))
		return;
	loop_watch_destroy(TAKE(process->watch));
	/* The last thing done here: the process may be destroyed in it. */
	process->on_exit(&end, process->data);
}

struct process *process_start(struct loop *loop, const struct process_spec *spec,
			      void (*on_exit)(const struct process_end *end, void *data), void *data,
			      struct error *error)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process) {
		error_set(error, -ENOMEM, NULL, "out of memory");
		return NULL;
	}
	process->on_exit = on_exit;
	process->data = data;
	process->pidfd = launch(spec, &process->pid, error);
	if (process->pidfd < 0) {
		free(process);
		return NULL;
	}
	LIST_INSERT_HEAD(&owned, process, others);
	process->watch = loop_watch_create(loop, process->pidfd, LOOP_READABLE, on_ended, process, error);
	if (!process->watch) {
		process_destroy(process);
		return NULL;
	}
	return process;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

int process_signal(struct process *process, int signal_number)
{
	if (process->pid == 0)
		return -ESRCH;
	return pidfd_send_signal(process->pidfd, signal_number, NULL, 0) < 0 ? -errno : 0;
}

void process_destroy(struct process *process)
{
	struct process_end end;

	if (!process)
		return;
	loop_watch_destroy(process->watch);
	if (process->pid != 0) {
		/* Waiting is short: what gets SIGKILL ends at once. */
		process_signal(process, SIGKILL);
		wait_until_ended(process);
		reap(process, &end);
	}
	close(process->pidfd);
	free(process);
}

const char *process_signal_name(int signal_number, char out[static 16])
{
	const char *name = sigabbrev_np(signal_number);

	if (name)
		snprintf(out, 16, "SIG%s", name);
	else
		snprintf(out, 16, "SIG<%d>", signal_number);
	return out;
}
