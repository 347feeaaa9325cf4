#include "core/process/sweep.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/process/process.h"
#include "core/process/proctree.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* A process that SIGKILL cannot end hangs in the kernel: one does not wait for it longer than
	 * this. */
	SWEEP_PATIENCE_MS = 5000,
	/* Who does not stop in so many looks waits in the kernel (for a vfork'ed child, say) and forks no
	   more. */
	SWEEP_STOP_PASSES = 16,
	SWEEP_BATCH = 64,
};

/*
 * A sweep stops the processes first, and kills when no pass finds a running one: what is stopped cannot
 * fork, nor restart what was killed beside it, so even a family that forks all the time dies out.
 */
struct sweep {
	const char *cookie_entry; /* NULL: the caller's descendants */
	int64_t deadline_ms;
	int signal_number; /* of this pass */
	int alive;         /* seen in this pass */
	int running;       /* of these, not stopped */
	int signalled;
	int unknown;            /* that an exec hid in this pass */
	int dying[SWEEP_BATCH]; /* pidfds of those just killed; owned */
	int dying_count;
};

static void wait_for_the_dying(struct sweep *sweep)
{
	for (int i = 0; i < sweep->dying_count; i++) {
		struct pollfd ended = {.fd = sweep->dying[i], .events = POLLIN};
		int64_t left_ms = sweep->deadline_ms - clock_monotonic_ms();

		poll(&ended, 1, left_ms > 0 ? (int) left_ms : 0);
		close(sweep->dying[i]);
	}
	sweep->dying_count = 0;
}

/*
 * Our own dead children, which only we can reap. One that belongs to a struct process is left alone: its
 * exit status is waited for by that, in the loop.
 */
static void reap_if_ours(const struct proc_stat *stat)
{
	siginfo_t info;

	if (stat->parent == getpid() && !process_owns(stat->pid))
		waitid(P_PID, (id_t) stat->pid, &info, WEXITED | WNOHANG);
}

/* True if the signal went to exactly the process that stat was read from: the pidfd is opened first and holds
 * whoever has the pid now; the same start time behind it says that this is still the one. */
static bool signal_same_process(struct sweep *sweep, const struct proc_stat *stat)
{
	struct proc_stat again;
	cleanup_close int pidfd = pidfd_open(stat->pid, 0);

	if (pidfd < 0 || proc_stat_read(stat->pid, &again) < 0 || again.start_time != stat->start_time ||
	    pidfd_send_signal(pidfd, sweep->signal_number, NULL, 0) < 0)
		return false;
	if (sweep->signal_number == SIGKILL) {
		if (sweep->dying_count == SWEEP_BATCH)
			wait_for_the_dying(sweep);
		sweep->dying[sweep->dying_count++] = TAKE_FD(pidfd);
	}
	return true;
}

/*
 * Stops all that fork beside it at one blow: a family that forks all the time outruns one who stops its
 * members singly. A session other than ours was made by one of those that are swept, so all in it are. The
 * group cannot have ended and become another's: the process that we have just stopped is in it.
 */
static void stop_its_group(const struct proc_stat *stat)
{
	if (stat->session > 0 && stat->session != getsid(0) && stat->group > 1)
		kill(-stat->group, SIGSTOP);
}

static void visit_process(const struct proc_stat *stat, void *data)
{
	struct sweep *sweep = data;
	bool stopped = stat->state == 'T' || stat->state == 't';

	if (proc_stat_is_dead(stat)) {
		reap_if_ours(stat);
		return;
	}
	if (stopped && sweep->signal_number == SIGSTOP) {
		sweep->alive++;
		return;
	}
	if (!signal_same_process(sweep, stat))
		return;
	if (sweep->signal_number == SIGSTOP)
		stop_its_group(stat);
	sweep->alive++;
	sweep->signalled++;
	sweep->running += !stopped;
}

static int sweep_pass(struct sweep *sweep, int signal_number)
{
	sweep->signal_number = signal_number;
	sweep->alive = sweep->running = sweep->signalled = sweep->unknown = 0;
	if (sweep->cookie_entry) {
		int result = proc_walk_environment(sweep->cookie_entry, visit_process, sweep);

		sweep->unknown = result > 0 ? result : 0;
		return result < 0 ? result : 0;
	}
	return proc_walk_descendants(getpid(),
				     signal_number == SIGSTOP ? PROC_PARENTS_FIRST : PROC_CHILDREN_FIRST,
				     visit_process, sweep);
}

static int stop_all(struct sweep *sweep)
{
	int result = 0;

	for (int pass = 0; pass < SWEEP_STOP_PASSES && result == 0; pass++) {
		result = sweep_pass(sweep, SIGSTOP);
		if (sweep->running == 0 && sweep->unknown == 0)
			break;
	}
	return result;
}

/*
 * Until two passes in a row find nobody alive. One is not enough: a process may end between its listing and
 * the look at it, and hand a child up to us meanwhile. In the second pass that child stands in our own list,
 * which loses entries only when we reap.
 */
static int sweep_run(struct sweep *sweep)
{
	int killed = 0;
	int quiet_passes = 0;

	sweep->deadline_ms = clock_monotonic_ms() + SWEEP_PATIENCE_MS;
	while (quiet_passes < 2 && clock_monotonic_ms() < sweep->deadline_ms) {
		int result = stop_all(sweep);

		if (result < 0)
			return result;
		if (sweep->alive == 0) {
			quiet_passes += sweep->unknown == 0;
			continue;
		}
		quiet_passes = 0;
		result = sweep_pass(sweep, SIGKILL);
		wait_for_the_dying(sweep);
		if (result < 0)
			return result;
		killed += sweep->signalled;
	}
	return killed;
}

int sweep_become_subreaper(struct error *error)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_set_errno(error, -errno, "internal_error", "cannot adopt orphaned processes");
	return 0;
}

int sweep_descendants(void)
{
	struct sweep sweep = {0};

	return sweep_run(&sweep);
}

int sweep_cookie(const char *cookie)
{
	cleanup_free char *entry = text_format("EMUD_COOKIE=%s", cookie);
	struct sweep sweep = {.cookie_entry = entry};

	return entry ? sweep_run(&sweep) : -ENOMEM;
}

unsigned long long sweep_start_time(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) < 0 ? 0 : stat.start_time;
}

static void add_usage(const struct proc_stat *stat, void *data)
{
	struct proc_stat *sum = data;

	sum->cpu_ticks += stat->cpu_ticks;
	sum->rss_pages += stat->rss_pages;
}

int sweep_usage(pid_t pid, double *ret_cpu_seconds, unsigned long long *ret_rss_bytes)
{
	struct proc_stat sum;
	int result = proc_stat_read(pid, &sum);

	if (result == 0)
		result = proc_walk_descendants(pid, PROC_PARENTS_FIRST, add_usage, &sum);
	if (result < 0)
		return result;
	*ret_cpu_seconds = (double) sum.cpu_ticks / (double) sysconf(_SC_CLK_TCK);
	*ret_rss_bytes = sum.rss_pages * (unsigned long long) sysconf(_SC_PAGESIZE);
	return 0;
}
