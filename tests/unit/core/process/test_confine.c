#include "run.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/process/confine.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* inside: may be written; readable: may be read; outside: neither. Each holds a file "f" with the text
 * "x". */
struct fixture {
	char root[32];
	char inside[64];
	char readable[64];
	char outside[64];
	int descriptors;
};

static void make_directory(struct fixture *fixture, char *path, const char *name)
{
	char file[80];

	snprintf(path, 64, "%s/%s", fixture->root, name);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(file, sizeof(file), "%s/f", path);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "x\n", 2), 2);
	close(fd);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture.descriptors = count_descriptors();
	strcpy(fixture.root, "/tmp/emud-confine-XXXXXX");
	assert_non_null(mkdtemp(fixture.root));
	make_directory(&fixture, fixture.inside, "inside");
	make_directory(&fixture, fixture.readable, "readable");
	make_directory(&fixture, fixture.outside, "outside");
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	void *descriptors = (void *) (intptr_t) fixture->descriptors;

	file_remove_tree(AT_FDCWD, fixture->root, NULL);
	return check_nothing_is_left(&descriptors);
}

static struct confinement *confine(const struct fixture *fixture)
{
	const char *const read_paths[] = {fixture->readable, "/nowhere", NULL};
	const char *const write_paths[] = {fixture->inside, NULL};
	const struct confine_rules rules = {.read_paths = read_paths, .write_paths = write_paths};
	struct error error = {0};
	struct confinement *confinement = confinement_create(&rules, &error);

	assert_string_equal(error.message, "");
	assert_non_null(confinement);
	return confinement;
}

/* Runs a script below the fixture's root, confined; its exit code. */
static int confined_script(const struct fixture *fixture, const char *script)
{
	struct run run = run_begin();
	struct confinement *confinement = confine(fixture);
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};

	run_spec(&run,
		 (struct process_spec){
		     .argv = argv, .directory = fixture->root, .stdin_fd = -1, .confinement = confinement});
	if (run.end.code != 0)
		print_message("%s: %d: %s", script, run.end.code, run.output);
	int code = run.end.code;
	confinement_destroy(confinement);
	run_finish(&run);
	return code;
}

static void skip_without_landlock(int abi)
{
	struct confine_support support;

	confine_probe(&support);
	if (support.landlock_abi < abi)
		skip();
}

static void written_directory_can_be_used_in_every_way(void **state)
{
	assert_int_equal(confined_script(*state,
					 "set -e; cd inside; cat f; echo more >> f; echo new > g; : > g;"
					 "mkdir d; mv g d/g; ln -s f link; mkfifo fifo; rm -r d link fifo"),
			 0);
}

static void readable_directory_can_be_read_alone(void **state)
{
	skip_without_landlock(3);
	assert_int_equal(confined_script(*state, "cat readable/f && ls readable"), 0);
	assert_int_not_equal(confined_script(*state, "echo y >> readable/f"), 0);
	assert_int_not_equal(confined_script(*state, ": > readable/f"), 0);
	assert_int_not_equal(confined_script(*state, "truncate -s 0 readable/f"), 0);
	assert_int_not_equal(confined_script(*state, "echo y > readable/g"), 0);
	assert_int_not_equal(confined_script(*state, "rm readable/f"), 0);
	assert_int_not_equal(confined_script(*state, "mv readable/f inside/g"), 0);
	assert_int_equal(confined_script(*state, "test -s readable/f"), 0);
}

static void nothing_outside_can_be_read_or_written(void **state)
{
	skip_without_landlock(1);
	assert_int_not_equal(confined_script(*state, "cat outside/f"), 0);
	assert_int_not_equal(confined_script(*state, "ls outside"), 0);
	assert_int_not_equal(confined_script(*state, "ls /root"), 0);
	assert_int_not_equal(confined_script(*state, "echo y > outside/g"), 0);
	assert_int_not_equal(confined_script(*state, "echo y > /tmp/emud-confine-outside"), 0);
	assert_int_not_equal(confined_script(*state, "cat inside/../outside/f"), 0);
	assert_int_not_equal(confined_script(*state, "ln -s ../outside/f inside/l && cat inside/l"), 0);
}

static void written_file_cannot_be_executed(void **state)
{
	skip_without_landlock(1);
	assert_int_not_equal(
	    confined_script(*state, "cp /bin/true inside/t && chmod +x inside/t && inside/t"), 0);
}

static void device_nodes_cannot_be_made(void **state)
{
	skip_without_landlock(1);
	assert_int_not_equal(confined_script(*state, "mknod inside/null c 1 3"), 0);
}

static void devices_of_everyday_work(void **state)
{
	assert_int_equal(confined_script(*state,
					 "set -e; echo > /dev/null; head -c1 /dev/zero > /dev/null;"
					 "head -c1 /dev/urandom > /dev/null; cat < /dev/null;"
					 "test -r /proc/self/status; cat /proc/self/maps > /dev/null"),
			 0);
}

/* Opens /proc/self/fd/N for reading and for writing, and reads the descriptor itself. */
static char *use_descriptor(const struct fixture *fixture, const struct confine_rules *rules)
{
	struct run run = run_begin();
	struct error error = {0};
	struct confinement *confinement = confinement_create(rules, &error);
	char path[80];
	char script[200];

	snprintf(path, sizeof(path), "%s/f", fixture->outside);
	assert_non_null(confinement);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const int inherited[] = {fd, -1};
	snprintf(script, sizeof(script),
		 "cat 2>&- /proc/self/fd/%d || echo no; (echo > /proc/self/fd/%d) 2>&- || echo no; cat", fd,
		 fd);
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	run_spec(&run,
		 (struct process_spec){
		     .argv = argv, .stdin_fd = fd, .inherit_fds = inherited, .confinement = confinement});
	close(fd);
	confinement_destroy(confinement);
	char *output = TAKE(run.output);
	run_finish(&run);
	return output;
}

static void inherited_descriptor_works_but_cannot_be_opened_again(void **state)
{
	const struct confine_rules rules = {0};

	skip_without_landlock(1);
	char *output = use_descriptor(*state, &rules);
	assert_string_equal(output, "no\nno\nx\n");
	free(output);
}

static void descriptor_in_the_rules_can_be_opened_again(void **state)
{
	const struct fixture *fixture = *state;
	char path[80];

	skip_without_landlock(1);
	snprintf(path, sizeof(path), "%s/f", fixture->outside);
	int fd = open(path, O_PATH | O_CLOEXEC);
	const int read_fds[] = {fd, -1};
	const struct confine_rules rules = {.read_fds = read_fds};
	char *output = use_descriptor(fixture, &rules);
	assert_string_equal(output, "x\nno\nx\n");
	free(output);
	const struct confine_rules writing = {.write_fds = read_fds};
	output = use_descriptor(fixture, &writing);
	assert_string_equal(output, "x\n\n");
	free(output);
	close(fd);
}

static void pipe_in_the_rules_is_no_error(void **state)
{
	struct error error = {0};
	int ends[2];

	(void) state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const int fds[] = {ends[0], -1};
	const struct confine_rules rules = {.read_fds = fds};
	struct confinement *confinement = confinement_create(&rules, &error);
	assert_non_null(confinement);
	confinement_destroy(confinement);
	close(ends[0]);
	close(ends[1]);
}

static void program_outside_is_refused_with_the_reason(void **state)
{
	const struct fixture *fixture = *state;
	skip_without_landlock(1);
	struct run run = run_begin();
	struct error error = {0};
	struct confinement *confinement = confine(fixture);
	char path[80];
	const char *const argv[] = {path, NULL};
	const struct process_spec spec = {
	    .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .confinement = confinement};

	snprintf(path, sizeof(path), "%s/f", fixture->outside);
	chmod(path, 0755);
	assert_null(process_start(run.loop, &spec, run_on_exit, &run, &error));
	assert_string_equal(error.code, "emulator_unavailable");
	assert_non_null(strstr(error.message, "outside what a confined program may read"));
	confinement_destroy(confinement);
	run_finish(&run);
}

static void processes_outside_cannot_be_signalled(void **state)
{
	char script[64];

	skip_without_landlock(6);
	snprintf(script, sizeof(script), "kill -0 $$ && kill -0 %d", (int) getpid());
	assert_int_not_equal(confined_script(*state, script), 0);
	assert_int_equal(confined_script(*state, "kill -0 $$"), 0);
}

static void limits_are_set(void **state)
{
	struct run run = run_begin();
	struct error error = {0};
	const struct confine_rules rules = {.memory_bytes = 1 << 30, .open_files = 64};
	struct confinement *confinement = confinement_create(&rules, &error);

	(void) state;
	assert_non_null(confinement);
	run_shell(&run, "ulimit -c; ulimit -n; ulimit -v; ulimit -f", confinement);
	assert_string_equal(run.output, "0\n64\n1048576\nunlimited\n");
	confinement_destroy(confinement);
	run_finish(&run);
}

static void privileges_are_given_up(void **state)
{
	assert_int_equal(confined_script(*state, "grep -q '^NoNewPrivs:.*1' /proc/self/status &&"
						 "grep -q '^Seccomp:.*2' /proc/self/status"),
			 0);
}

/* Enters the confinement in a forked child and makes a system call there; its errno, 0 for success. */
static int confined_call(const struct confinement *confinement, long number, unsigned long first)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (confinement_enter(confinement) < 0)
			_exit(255);
		long result = syscall(number, first, 0L, 0L, 0L, 0L);
		_exit(result >= 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void calls_nobody_needs_are_refused(void **state)
{
	static const long calls[] = {
	    SYS_mount,
	    SYS_umount2,
	    SYS_pivot_root,
	    SYS_chroot,
	    SYS_kexec_load,
	    SYS_init_module,
	    SYS_finit_module,
	    SYS_delete_module,
	    SYS_bpf,
	    SYS_perf_event_open,
	    SYS_ptrace,
	    SYS_keyctl,
	    SYS_add_key,
	    SYS_request_key,
	    SYS_reboot,
	    SYS_swapon,
	    SYS_settimeofday,
	    SYS_clock_settime,
	    SYS_setns,
	    SYS_userfaultfd,
	    SYS_io_uring_setup,
	    SYS_io_uring_enter,
	    SYS_process_vm_readv,
	    SYS_process_vm_writev,
	    SYS_open_by_handle_at,
	};
	struct confinement *confinement = confine(*state);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(confined_call(confinement, calls[i], 0), EPERM);
	assert_int_equal(confined_call(confinement, SYS_getppid, 0), 0);
	confinement_destroy(confinement);
}

static void namespaces_cannot_be_made(void **state)
{
	static const unsigned long flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
					      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
	struct confinement *confinement = confine(*state);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(confined_call(confinement, SYS_unshare, flags[i]), EPERM);
		assert_int_equal(confined_call(confinement, SYS_clone, flags[i] | SIGCHLD), EPERM);
	}
	assert_int_equal(confined_call(confinement, SYS_clone3, 0), ENOSYS);
	confinement_destroy(confinement);
}

static void abstract_sockets_outside_are_out_of_reach(void **state)
{
	skip_without_landlock(6);
	struct confinement *confinement = confine(*state);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int status;

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "emud-confine-%d", (int) getpid());
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (confinement_enter(confinement) < 0)
			_exit(255);
		_exit(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), EPERM);
	close(listening);
	confinement_destroy(confinement);
}

static void tools_work_confined(void **state)
{
	static const struct {
		const char *program;
		const char *script;
	} tools[] = {
	    {"/usr/bin/python3",
	     "/usr/bin/python3 -c 'import subprocess; subprocess.run([\"true\"], check=True)'"},
	    {"/usr/bin/gdb", "gdb -nx -batch -ex 'print 6*7' | grep -q 42"},
	    {"/usr/bin/qemu-system-arm",
	     "printf '%s' '{\"execute\":\"qmp_capabilities\"}{\"execute\":\"quit\"}' |"
	     "qemu-system-arm -M lm3s6965evb -display none -serial none -monitor none -S -qmp stdio"},
	};

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (access(tools[i].program, X_OK) == 0)
			assert_int_equal(confined_script(*state, tools[i].script), 0);
	}
}

static void probe_changes_nothing(void **state)
{
	struct confine_support support;

	(void) state;
	confine_probe(&support);
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	assert_true(support.landlock_abi >= 0);
}

#define confine_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    confine_test(written_directory_can_be_used_in_every_way),
	    confine_test(readable_directory_can_be_read_alone),
	    confine_test(nothing_outside_can_be_read_or_written),
	    confine_test(written_file_cannot_be_executed),
	    confine_test(device_nodes_cannot_be_made),
	    confine_test(devices_of_everyday_work),
	    confine_test(inherited_descriptor_works_but_cannot_be_opened_again),
	    confine_test(descriptor_in_the_rules_can_be_opened_again),
	    confine_test(pipe_in_the_rules_is_no_error),
	    confine_test(program_outside_is_refused_with_the_reason),
	    confine_test(processes_outside_cannot_be_signalled),
	    confine_test(limits_are_set),
	    confine_test(privileges_are_given_up),
	    confine_test(calls_nobody_needs_are_refused),
	    confine_test(namespaces_cannot_be_made),
	    confine_test(abstract_sockets_outside_are_out_of_reach),
	    confine_test(tools_work_confined),
	    confine_test(probe_changes_nothing),
	};

	return cmocka_run_group_tests(tests, settle, NULL);
}
