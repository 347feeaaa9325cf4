#include "run.h"

#include "core/base/text.h"

#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void code_of_an_exit_is_told(void **state)
{
	struct run run = run_begin();

	(void) state;
	run_shell(&run, "exit 7", NULL);
	assert_int_equal(run.exits, 1);
	assert_int_equal(run.end.code, 7);
	assert_int_equal(run.end.signal, 0);
	run_finish(&run);
}

static void signal_that_ended_it_is_told(void **state)
{
	struct run run = run_begin();

	(void) state;
	run_shell(&run, "kill -ABRT $$", NULL);
	assert_int_equal(run.end.code, -1);
	assert_int_equal(run.end.signal, SIGABRT);
	run_finish(&run);
}

static void exit_is_told_though_the_parent_ignored_sigchld(void **state)
{
	struct run run = run_begin();

	(void) state;
	signal(SIGCHLD, SIG_IGN);
	run_shell(&run, "exit 3", NULL);
	assert_int_equal(run.end.code, 3);
	run_finish(&run);
}

/* Starts what cannot be started, and gives the error's message. */
static const char *failed_start(const char *program, const char *directory, struct error *error)
{
	struct run run = run_begin();
	const char *const argv[] = {program, NULL};
	const struct process_spec spec = {
	    .argv = argv, .directory = directory, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};

	*error = (struct error){0};
	assert_null(process_start(run.loop, &spec, run_on_exit, &run, error));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	run_finish(&run);
	return error->message;
}

static void program_that_is_not_in_path_is_named(void **state)
{
	struct error error;

	(void) state;
	assert_string_equal(failed_start("qemu-system-none", NULL, &error),
			    "\"qemu-system-none\" was not found in PATH: install it, or give its whole path");
	assert_int_equal(error.number, -ENOENT);
	assert_string_equal(error.code, "emulator_unavailable");
}

static void empty_program_is_not_found(void **state)
{
	struct error error;

	(void) state;
	failed_start("", NULL, &error);
	assert_string_equal(error.code, "emulator_unavailable");
}

static void missing_file_is_named(void **state)
{
	struct error error;

	(void) state;
	assert_string_equal(failed_start("/nowhere/qemu", NULL, &error),
			    "cannot execute \"/nowhere/qemu\": No such file or directory");
	assert_string_equal(error.code, "emulator_unavailable");
}

static void file_that_may_not_be_executed_is_named(void **state)
{
	struct error error;

	(void) state;
	assert_string_equal(failed_start("/etc/passwd", NULL, &error),
			    "cannot execute \"/etc/passwd\": Permission denied");
	assert_int_equal(error.number, -EACCES);
	assert_string_equal(error.code, "emulator_unavailable");
}

static void file_that_is_no_program_is_named(void **state)
{
	struct error error;
	char path[] = "/tmp/emud-process-XXXXXX";
	int fd = mkstemp(path);

	(void) state;
	assert_int_equal(write(fd, "no program", 10), 10);
	fchmod(fd, 0700);
	close(fd);
	assert_non_null(strstr(failed_start(path, NULL, &error), "Exec format error"));
	assert_string_equal(error.code, "start_failed");
	unlink(path);
}

static void missing_directory_is_named(void **state)
{
	struct error error;

	(void) state;
	assert_string_equal(failed_start("/bin/true", "/nowhere", &error),
			    "cannot run \"/bin/true\" in the directory /nowhere: No such file or directory");
	assert_string_equal(error.code, "start_failed");
}

static void environment_is_added_and_replaced(void **state)
{
	struct run run = run_begin();
	const char *const argv[] = {"sh", "-c",
				    "echo $ADDED $REPLACED $KEPT; env | grep -c ^REPLACED=", NULL};
	const char *const environment[] = {"ADDED=a", "REPLACED=new", NULL};

	(void) state;
	setenv("REPLACED", "old", 1);
	setenv("KEPT", "k", 1);
	run_spec(&run, (struct process_spec){.argv = argv, .environment = environment, .stdin_fd = -1});
	assert_string_equal(run.output, "a new k\n1\n");
	run_finish(&run);
}

static void program_is_looked_up_in_the_path_of_the_child(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	const char *const argv[] = {"true", NULL};
	const char *const environment[] = {"PATH=/nowhere:relative:", NULL};
	const struct process_spec spec = {
	    .argv = argv, .environment = environment, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};

	(void) state;
	assert_null(process_start(run.loop, &spec, run_on_exit, &run, &error));
	assert_int_equal(error.number, -ENOENT);
	run_finish(&run);
}

static void directory_is_entered(void **state)
{
	struct run run = run_begin();
	const char *const argv[] = {"/bin/pwd", NULL};

	(void) state;
	run_spec(&run, (struct process_spec){.argv = argv, .directory = "/usr", .stdin_fd = -1});
	assert_string_equal(run.output, "/usr\n");
	run_finish(&run);
}

static void standard_descriptors_may_be_swapped(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	int ends[2];
	const char *const argv[] = {"/bin/sh", "-c", "echo out; echo err >&2", NULL};

	(void) state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	int before = dup(1);
	/* The caller's 1 is the pipe, and is to be the child's 2; its 2 is to be the child's 1. */
	dup2(ends[1], 1);
	const struct process_spec spec = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = 1};
	struct process *process = process_start(run.loop, &spec, run_on_exit, &run, &error);
	dup2(before, 1);
	close(before);
	close(ends[1]);
	assert_non_null(process);
	run.output = read_all(ends[0]);
	close(ends[0]);
	run_until_exit(&run);
	process_destroy(process);
	assert_string_equal(run.output, "err\n");
	run_finish(&run);
}

static void only_what_is_inherited_is_open_in_the_child(void **state)
{
	struct run run = run_begin();
	int careless = open("/dev/zero", O_RDONLY); /* not close-on-exec */
	int wanted = fcntl(careless, F_DUPFD_CLOEXEC, 42);
	const int inherited[] = {wanted, -1};
	const char *const argv[] = {"/bin/sh", "-c", "cd /proc/$$/fd; readlink 42; echo *", NULL};

	(void) state;
	assert_true(careless > 2);
	assert_int_equal(wanted, 42);
	run_spec(&run, (struct process_spec){.argv = argv, .stdin_fd = -1, .inherit_fds = inherited});
	/* 3 may be the shell's own: of the directory whose entries the pattern reads. */
	assert_true(text_equal(run.output, "/dev/zero\n0 1 2 3 42\n") ||
		    text_equal(run.output, "/dev/zero\n0 1 2 42\n"));
	assert_int_equal(fcntl(wanted, F_GETFD), FD_CLOEXEC);
	close(careless);
	close(wanted);
	run_finish(&run);
}

static void on_usr1(int number)
{
	(void) number;
}

static void signals_start_from_their_defaults(void **state)
{
	struct run run = run_begin();
	sigset_t set;
	sigset_t before;

	(void) state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	signal(SIGINT, SIG_IGN);
	signal(SIGUSR1, on_usr1);
	/* One of those that the C library hides: ignored, as a parent in another language may leave it. */
	const struct {
		void (*handler)(int signal_number);
		unsigned long others[7];
	} ignored = {.handler = SIG_IGN};
	assert_int_equal(syscall(SYS_rt_sigaction, 32, &ignored, NULL, (NSIG - 1) / 8), 0);
	const char *const argv[] = {"/bin/cat", "/proc/self/status", NULL};
	run_spec(&run, (struct process_spec){.argv = argv, .stdin_fd = -1});
	signal(SIGINT, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, &set);
	assert_true(sigismember(&set, SIGTERM)); /* the caller's own mask is as it was */
	const char *signals = strstr(
	    run.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n");
	if (!signals)
		print_message("%s\n", run.output);
	assert_non_null(signals);
	run_finish(&run);
}

static struct process *start_sleeper(struct run *run, const struct confinement *confinement)
{
	struct error error = {0};
	const char *const argv[] = {"sleep", "300", NULL};
	const struct process_spec spec = {
	    .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .confinement = confinement};
	struct process *process = process_start(run->loop, &spec, run_on_exit, run, &error);

	assert_non_null(process);
	return process;
}

static void missing_standard_descriptors_are_the_null_device(void **state)
{
	struct run run = run_begin();
	struct process *process = start_sleeper(&run, NULL);
	char path[64];
	char target[64];

	(void) state;
	for (int fd = 0; fd < 3; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int) process_pid(process), fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		assert_true(length > 0);
		target[length] = '\0';
		assert_string_equal(target, "/dev/null");
	}
	process_destroy(process);
	run_finish(&run);
}

static void child_leads_its_own_session(void **state)
{
	struct run run = run_begin();
	struct process *process = start_sleeper(&run, NULL);

	(void) state;
	assert_int_equal(getsid(process_pid(process)), process_pid(process));
	process_destroy(process);
	run_finish(&run);
}

static void destroying_a_running_child_ends_it_without_a_callback(void **state)
{
	struct run run = run_begin();
	struct process *process = start_sleeper(&run, NULL);
	pid_t pid = process_pid(process);

	(void) state;
	assert_true(process_owns(pid));
	process_destroy(process);
	assert_false(process_owns(pid));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(run.exits, 0);
	run_finish(&run);
}

static void ended_child_has_no_pid_and_takes_no_signal(void **state)
{
	struct run run = run_begin();
	struct process *process = start_sleeper(&run, NULL);

	(void) state;
	assert_int_equal(process_signal(process, SIGTERM), 0);
	run_until_exit(&run);
	assert_int_equal(run.end.signal, SIGTERM);
	assert_int_equal(process_pid(process), 0);
	assert_int_equal(process_signal(process, SIGKILL), -ESRCH);
	process_destroy(process);
	run_finish(&run);
}

static struct process *destroyed_in_callback;

static void destroy_in_callback(const struct process_end *end, void *data)
{
	process_destroy(destroyed_in_callback);
	run_on_exit(end, data);
}

static void child_may_be_destroyed_in_its_own_callback(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	const char *const argv[] = {"/bin/true", NULL};
	const struct process_spec spec = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};

	(void) state;
	destroyed_in_callback = process_start(run.loop, &spec, destroy_in_callback, &run, &error);
	assert_non_null(destroyed_in_callback);
	run_until_exit(&run);
	assert_int_equal(run.exits, 1);
	run_finish(&run);
}

/* A parent in the middle starts a child, tells its pid, and waits to be killed. */
static void be_a_parent(int tell_fd, bool confined)
{
	struct run run = run_begin();
	struct error error = {0};
	const struct confine_rules rules = {0};
	struct confinement *confinement = confined ? confinement_create(&rules, &error) : NULL;
	pid_t pid = process_pid(start_sleeper(&run, confinement));

	if (write(tell_fd, &pid, sizeof(pid)) == sizeof(pid))
		pause();
	_exit(1);
}

static void check_child_dies_with_its_parent(bool confined)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0)
		be_a_parent(ends[1], confined);
	close(ends[1]);
	assert_int_equal(read(ends[0], &child, sizeof(child)), sizeof(child));
	close(ends[0]);
	struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN};
	assert_true(ended.fd >= 0);
	kill(parent, SIGKILL);
	assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
	close(ended.fd);
	int status;
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(waitpid(child, &status, 0), child); /* we are a subreaper */
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void child_dies_with_a_parent_that_is_killed(void **state)
{
	(void) state;
	check_child_dies_with_its_parent(false);
}

static void confined_child_dies_with_a_parent_that_is_killed(void **state)
{
	(void) state;
	check_child_dies_with_its_parent(true);
}

static void many_starts_leave_no_descriptor(void **state)
{
	int before = count_descriptors();

	(void) state;
	for (int i = 0; i < 50; i++) {
		struct error error;
		struct run run = run_begin();

		run_shell(&run, "exit 0", NULL);
		run_finish(&run);
		failed_start("/nowhere/qemu", NULL, &error);
	}
	assert_int_equal(count_descriptors(), before);
}

static void start_without_descriptors_fails_cleanly(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	struct rlimit before;
	struct rlimit few;
	const char *const argv[] = {"/bin/true", NULL};
	const struct process_spec spec = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};

	(void) state;
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	struct process *process = process_start(run.loop, &spec, run_on_exit, &run, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_null(process);
	assert_string_equal(error.code, "no_descriptors");
	run_finish(&run);
}

static void signals_have_names(void **state)
{
	char name[16];

	(void) state;
	assert_string_equal(process_signal_name(SIGABRT, name), "SIGABRT");
	assert_string_equal(process_signal_name(SIGKILL, name), "SIGKILL");
	assert_string_equal(process_signal_name(40, name), "SIG<40>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(code_of_an_exit_is_told),
	    process_test(signal_that_ended_it_is_told),
	    process_test(exit_is_told_though_the_parent_ignored_sigchld),
	    process_test(program_that_is_not_in_path_is_named),
	    process_test(empty_program_is_not_found),
	    process_test(missing_file_is_named),
	    process_test(file_that_may_not_be_executed_is_named),
	    process_test(file_that_is_no_program_is_named),
	    process_test(missing_directory_is_named),
	    process_test(environment_is_added_and_replaced),
	    process_test(program_is_looked_up_in_the_path_of_the_child),
	    process_test(directory_is_entered),
	    process_test(missing_standard_descriptors_are_the_null_device),
	    process_test(standard_descriptors_may_be_swapped),
	    process_test(only_what_is_inherited_is_open_in_the_child),
	    process_test(signals_start_from_their_defaults),
	    process_test(child_leads_its_own_session),
	    process_test(destroying_a_running_child_ends_it_without_a_callback),
	    process_test(ended_child_has_no_pid_and_takes_no_signal),
	    process_test(child_may_be_destroyed_in_its_own_callback),
	    process_test(child_dies_with_a_parent_that_is_killed),
	    process_test(confined_child_dies_with_a_parent_that_is_killed),
	    process_test(many_starts_leave_no_descriptor),
	    process_test(start_without_descriptors_fails_cleanly),
	    process_test(signals_have_names),
	};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(tests, settle, NULL);
}
