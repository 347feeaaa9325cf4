#include "run.h"

#include "core/process/sweep.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

/* A pipe whose other end the processes under test hold: it ends when the last of them has. */
struct lifeline {
	int read_fd;
	int held_fd;
};

static struct lifeline lifeline_create(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	return (struct lifeline){.read_fd = ends[0], .held_fd = ends[1]};
}

static void say(int fd, char byte)
{
	if (write(fd, &byte, 1) != 1)
		_exit(1);
}

/* Lets go of our end and reads one byte from each of count processes: they are there. */
static void await(struct lifeline *lifeline, int count)
{
	struct pollfd readable = {.fd = lifeline->read_fd, .events = POLLIN};
	char byte;

	close(lifeline->held_fd);
	for (int i = 0; i < count; i++) {
		assert_int_equal(poll(&readable, 1, DEADLINE_MS), 1);
		assert_int_equal(read(lifeline->read_fd, &byte, 1), 1);
	}
}

static void check_all_have_ended(struct lifeline *lifeline)
{
	free(read_all(lifeline->read_fd));
	close(lifeline->read_fd);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void idle(int fd)
{
	say(fd, '+');
	/* Long enough for any test; and a test that failed leaves nobody behind for good. */
	alarm(3 * DEADLINE_MS / 1000);
	for (;;)
		pause();
}

/* Forks twice, with a session of its own, as daemons do. */
static void daemonize(void)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
}

static void nothing_to_sweep_is_nothing_killed(void **state)
{
	(void) state;
	assert_int_equal(sweep_descendants(), 0);
}

static void children_are_killed_and_reaped(void **state)
{
	struct lifeline lifeline = lifeline_create();

	(void) state;
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			idle(lifeline.held_fd);
	await(&lifeline, 3);
	assert_int_equal(sweep_descendants(), 3);
	check_all_have_ended(&lifeline);
}

static void more_children_than_a_batch_are_killed(void **state)
{
	struct lifeline lifeline = lifeline_create();

	(void) state;
	for (int i = 0; i < 150; i++)
		if (fork() == 0)
			idle(lifeline.held_fd);
	await(&lifeline, 150);
	assert_int_equal(sweep_descendants(), 150);
	check_all_have_ended(&lifeline);
}

static void daemonized_grandchild_is_killed(void **state)
{
	struct lifeline lifeline = lifeline_create();

	(void) state;
	if (fork() == 0) {
		daemonize();
		idle(lifeline.held_fd);
	}
	await(&lifeline, 1);
	/* Those in between may not have ended yet. */
	assert_in_range(sweep_descendants(), 1, 3);
	check_all_have_ended(&lifeline);
}

static void *run_on(void *data)
{
	idle(*(int *) data);
	return NULL;
}

/* Its state reads 'Z', as that of a process that has ended. */
static void process_whose_first_thread_has_ended_is_killed(void **state)
{
	struct lifeline lifeline = lifeline_create();

	(void) state;
	if (fork() == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, run_on, &lifeline.held_fd);
		syscall(SYS_exit, 0);
	}
	await(&lifeline, 1);
	assert_int_equal(sweep_descendants(), 1);
	check_all_have_ended(&lifeline);
}

static void stopped_process_is_killed(void **state)
{
	struct lifeline lifeline = lifeline_create();
	pid_t pid = fork();

	(void) state;
	if (pid == 0)
		idle(lifeline.held_fd);
	await(&lifeline, 1);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	assert_int_equal(sweep_descendants(), 1);
	check_all_have_ended(&lifeline);
}

/* Forks as fast as it can, in every process of the family; until the bound, so that a failing test ends. */
static void be_a_fork_bomb(atomic_int *forks, int bound, int fd)
{
	while (atomic_fetch_add(forks, 1) < bound)
		if (fork() < 0)
			sched_yield();
	idle(fd);
}

static atomic_int *shared_counter(void)
{
	atomic_int *counter =
	    mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(counter != MAP_FAILED);
	return counter;
}

static void family_that_forks_all_the_time_dies_out(void **state)
{
	enum { BOUND = 4000 };
	struct lifeline lifeline = lifeline_create();
	atomic_int *forks = shared_counter();

	(void) state;
	if (fork() == 0) {
		setsid(); /* as process_start does */
		be_a_fork_bomb(forks, BOUND, lifeline.held_fd);
	}
	close(lifeline.held_fd);
	while (atomic_load(forks) < 20)
		sched_yield();
	assert_true(sweep_descendants() > 0);
	assert_true(atomic_load(forks) < BOUND); /* it was not left to run out */
	check_all_have_ended(&lifeline);
	munmap(forks, sizeof(*forks));
}

/* Never older than a moment: each forks the next and ends. */
static void be_a_chain(atomic_int *forks, int bound, int fd)
{
	while (atomic_fetch_add(forks, 1) < bound)
		if (fork() != 0)
			_exit(0);
	idle(fd);
}

static void process_that_changes_its_pid_all_the_time_is_caught(void **state)
{
	enum { BOUND = 40000 };
	struct lifeline lifeline = lifeline_create();
	atomic_int *forks = shared_counter();

	(void) state;
	if (fork() == 0)
		be_a_chain(forks, BOUND, lifeline.held_fd);
	close(lifeline.held_fd);
	while (atomic_load(forks) < 20)
		sched_yield();
	assert_true(sweep_descendants() > 0);
	assert_true(atomic_load(forks) < BOUND);
	check_all_have_ended(&lifeline);
	munmap(forks, sizeof(*forks));
}

static void exit_status_of_a_started_process_is_left_to_it(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	const char *const argv[] = {"sleep", "300", NULL};
	const struct process_spec spec = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct process *process = process_start(run.loop, &spec, run_on_exit, &run, &error);

	(void) state;
	assert_non_null(process);
	assert_int_equal(sweep_descendants(), 1);
	assert_int_equal(run.exits, 0);
	run_until_exit(&run);
	assert_int_equal(run.end.signal, SIGKILL);
	process_destroy(process);
	run_finish(&run);
}

static void process_that_ended_by_itself_keeps_its_exit_code(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	const char *const argv[] = {"/bin/sh", "-c", "exit 9", NULL};
	const struct process_spec spec = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct process *process = process_start(run.loop, &spec, run_on_exit, &run, &error);
	siginfo_t info;

	(void) state;
	assert_non_null(process);
	assert_int_equal(waitid(P_PID, (id_t) process_pid(process), &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(sweep_descendants(), 0);
	run_until_exit(&run);
	assert_int_equal(run.end.code, 9);
	process_destroy(process);
	run_finish(&run);
}

/* Sweeps beside a sibling, in a process with a second thread. Its exit code is what it found. */
static void sweep_in_between(int lifeline_fd)
{
	pthread_t thread;
	int ends[2];
	char byte;

	if (pipe(ends) < 0 || sweep_become_subreaper(NULL) < 0)
		_exit(101);
	pthread_create(&thread, NULL, run_on, &ends[1]);
	if (fork() == 0)
		idle(ends[1]);
	if (read(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
		_exit(102);
	int killed = sweep_descendants();
	if (pthread_kill(thread, 0) != 0)
		_exit(103);
	say(lifeline_fd, '.');
	_exit(killed);
}

static void threads_parents_and_siblings_are_spared(void **state)
{
	struct lifeline lifeline = lifeline_create();
	pid_t sibling = fork();
	int status;

	(void) state;
	if (sibling == 0)
		idle(lifeline.held_fd);
	pid_t sweeper = fork();
	if (sweeper == 0)
		sweep_in_between(lifeline.held_fd);
	await(&lifeline, 2);
	assert_int_equal(waitpid(sweeper, &status, 0), sweeper);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(kill(sibling, 0), 0);
	assert_int_equal(waitpid(sibling, &status, WNOHANG), 0);
	assert_int_equal(sweep_descendants(), 1);
	check_all_have_ended(&lifeline);
}

/* Starts a daemon with a cookie in its environment, which says "+" on the lifeline. */
static void start_daemon(struct run *run, const char *environment_entry, int lifeline_fd)
{
	struct error error = {0};
	const char *const argv[] = {"/bin/sh", "-c", "(setsid sh -c 'echo + ; exec sleep 300' &) ; exit 0",
				    NULL};
	const char *const environment[] = {environment_entry, NULL};
	const struct process_spec spec = {.argv = argv,
					  .environment = environment,
					  .stdin_fd = -1,
					  .stdout_fd = lifeline_fd,
					  .stderr_fd = -1};
	struct process *process = process_start(run->loop, &spec, run_on_exit, run, &error);

	assert_non_null(process);
	run->exits = 0;
	run_until_exit(run);
	process_destroy(process);
}

static void cookie_finds_a_daemon_and_nothing_else(void **state)
{
	struct run run = run_begin();
	struct lifeline swept = lifeline_create();
	struct lifeline other = lifeline_create();

	(void) state;
	start_daemon(&run, "EMUD_COOKIE=0123456789", swept.held_fd);
	start_daemon(&run, "EMUD_COOKIE=0123456789a", other.held_fd);
	await(&swept, 2); /* "+" and its newline */
	await(&other, 2);
	assert_int_equal(sweep_cookie("0123456789"), 1);
	assert_int_equal(sweep_cookie("0123456789"), 0);
	free(read_all(swept.read_fd));
	close(swept.read_fd);
	assert_int_equal(sweep_descendants(), 1); /* the other one lived */
	check_all_have_ended(&other);
	run_finish(&run);
}

/* A shell that runs itself again and again: for a good part of the time it shows no environment. */
static void process_that_execs_all_the_time_is_found_by_its_cookie(void **state)
{
	static const char first[] = "printf + >&9; exec sh -c \"$0\" \"$0\"";
	static const char again[] = "exec sh -c \"$0\" \"$0\"";

	(void) state;
	for (int round = 0; round < 30; round++) {
		struct lifeline lifeline = lifeline_create();
		char cookie[32], entry[64];
		snprintf(cookie, sizeof(cookie), "execs-%d-%d", getpid(), round);
		snprintf(entry, sizeof(entry), "EMUD_COOKIE=%s", cookie);
		pid_t pid = fork();
		if (pid == 0) {
			char *environment[] = {entry, NULL};
			alarm(3 * DEADLINE_MS / 1000);
			dup2(lifeline.held_fd, 9);
			execle("/bin/sh", "sh", "-c", first, again, NULL, environment);
			_exit(127);
		}
		await(&lifeline, 1);
		assert_true(sweep_cookie(cookie) > 0);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
		check_all_have_ended(&lifeline);
	}
}

static void start_time_tells_processes_apart(void **state)
{
	struct lifeline lifeline = lifeline_create();
	pid_t pid = fork();

	(void) state;
	if (pid == 0)
		idle(lifeline.held_fd);
	await(&lifeline, 1);
	assert_true(sweep_start_time(getpid()) > 0);
	assert_int_equal(sweep_start_time(getpid()), sweep_start_time(getpid()));
	assert_true(sweep_start_time(pid) >= sweep_start_time(getpid()));
	assert_int_equal(sweep_descendants(), 1);
	assert_int_equal(sweep_start_time(pid), 0);
	check_all_have_ended(&lifeline);
}

static void burn_cpu_and_memory(int fd)
{
	enum { BYTES = 32 << 20, TICKS = 10 };
	volatile char *memory = malloc(BYTES);

	if (!memory)
		_exit(1);
	for (size_t i = 0; i < BYTES; i += 4096)
		memory[i] = 1;
	while (clock() < CLOCKS_PER_SEC * TICKS / 100)
		;
	idle(fd);
}

static void usage_sums_over_the_whole_tree(void **state)
{
	struct lifeline lifeline = lifeline_create();
	pid_t parent = fork();
	double seconds;
	unsigned long long bytes;

	(void) state;
	if (parent == 0) {
		if (fork() == 0)
			burn_cpu_and_memory(lifeline.held_fd);
		burn_cpu_and_memory(lifeline.held_fd);
	}
	await(&lifeline, 2);
	assert_int_equal(sweep_usage(parent, &seconds, &bytes), 0);
	assert_true(seconds > 0.15 && seconds < DEADLINE_MS / 1000.0);
	assert_true(bytes > 2ULL * (32 << 20));
	assert_int_equal(sweep_descendants(), 2);
	assert_int_equal(sweep_usage(parent, &seconds, &bytes), -ESRCH);
	check_all_have_ended(&lifeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(nothing_to_sweep_is_nothing_killed),
	    process_test(children_are_killed_and_reaped),
	    process_test(more_children_than_a_batch_are_killed),
	    process_test(daemonized_grandchild_is_killed),
	    process_test(process_whose_first_thread_has_ended_is_killed),
	    process_test(stopped_process_is_killed),
	    process_test(family_that_forks_all_the_time_dies_out),
	    process_test(process_that_changes_its_pid_all_the_time_is_caught),
	    process_test(exit_status_of_a_started_process_is_left_to_it),
	    process_test(process_that_ended_by_itself_keeps_its_exit_code),
	    process_test(threads_parents_and_siblings_are_spared),
	    process_test(cookie_finds_a_daemon_and_nothing_else),
	    process_test(process_that_execs_all_the_time_is_found_by_its_cookie),
	    process_test(start_time_tells_processes_apart),
	    process_test(usage_sums_over_the_whole_tree),
	};

	if (sweep_become_subreaper(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, settle, NULL);
}
