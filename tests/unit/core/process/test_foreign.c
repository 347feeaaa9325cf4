#include "run.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/process/foreign.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* A child that waits for a signal, as `pw emu`'s would, in its own program: reaped here, not by what is
 * tested. */
static pid_t start_sleeper(void)
{
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("sleep", "sleep", "600", NULL);
		_exit(1);
	}
	close(ready[1]);
	/* Closed by the exec. */
	char *end = read_all(ready[0]);
	free(end);
	close(ready[0]);
	return pid;
}

static void end_sleeper(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct foreign_claim claim_of(pid_t pid)
{
	return (struct foreign_claim){
	    .name = "qemu", .pid = pid, .program = "/usr/bin/sleep", .not_after_wall_ms = clock_wall_ms()};
}

static void expect_refused(const struct foreign_claim *claim, const char *why)
{
	struct error error = {0};
	assert_true(foreign_open(claim, &error) < 0);
	assert_string_equal(error.code, "not_adoptable");
	if (!strstr(error.message, why))
		fail_msg("%s", error.message);
}

static void process_that_is_what_is_said_is_held(void **state)
{
	(void) state;
	pid_t pid = start_sleeper();
	struct foreign_claim claim = claim_of(pid);
	struct error error = {0};
	int pidfd = foreign_open(&claim, &error);
	assert_string_equal(error.message, "");
	assert_true(pidfd >= 0);
	close(pidfd);
	end_sleeper(pid);
}

static void process_that_has_ended_is_refused(void **state)
{
	(void) state;
	pid_t pid = start_sleeper();
	kill(pid, SIGKILL);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
	struct foreign_claim claim = claim_of(pid);
	expect_refused(&claim, "has ended"); /* dead, not reaped */
	end_sleeper(pid);
	expect_refused(&claim, "has ended");
}

static void another_program_is_refused(void **state)
{
	(void) state;
	pid_t pid = start_sleeper();
	struct foreign_claim claim = claim_of(pid);
	claim.program = "qemu-system-arm";
	expect_refused(&claim, "does not run qemu-system-arm");
	end_sleeper(pid);
}

static void process_started_after_it_was_named_is_refused(void **state)
{
	(void) state;
	pid_t pid = start_sleeper();
	struct foreign_claim claim = claim_of(pid);
	claim.not_after_wall_ms -= 3600 * 1000;
	expect_refused(&claim, "given anew");
	end_sleeper(pid);
}

static void process_of_another_user_is_refused(void **state)
{
	(void) state;
	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	pid_t pid = start_sleeper();
	struct foreign_claim claim = claim_of(pid);
	assert_int_equal(seteuid(65534), 0);
	expect_refused(&claim, "another user");
	assert_int_equal(seteuid(0), 0);
	end_sleeper(pid);
}

static void we_ourselves_are_refused(void **state)
{
	(void) state;
	struct foreign_claim claim = claim_of(getpid());
	expect_refused(&claim, "emud's own");
}

/* ---- its life ---- */

static void count_end(void *data)
{
	struct run *run = data;
	run->exits++;
	loop_stop(run->loop);
}

static struct foreign_process *hold(struct run *run, pid_t pid)
{
	struct foreign_claim claim = claim_of(pid);
	struct error error = {0};
	struct foreign_process *process =
	    foreign_process_create(run->loop, foreign_open(&claim, &error), count_end, run, &error);
	assert_non_null(process);
	return process;
}

static void its_end_is_told_once_and_its_status_left_to_its_parent(void **state)
{
	(void) state;
	struct run run = run_begin();
	pid_t pid = start_sleeper();
	struct foreign_process *process = hold(&run, pid);
	assert_int_equal(foreign_process_signal(process, SIGTERM), 0);
	run_until_exit(&run);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(run.exits, 1);
	assert_int_equal(foreign_process_signal(process, SIGTERM), -ESRCH);
	foreign_process_destroy(process);
	run_finish(&run);
}

static void it_runs_on_when_it_is_let_go(void **state)
{
	(void) state;
	struct run run = run_begin();
	pid_t pid = start_sleeper();
	foreign_process_destroy(hold(&run, pid));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	foreign_process_destroy(NULL);
	end_sleeper(pid);
	run_finish(&run);
}

/* ---- what is its own ---- */

static void command_line_is_told(void **state)
{
	(void) state;
	pid_t pid = start_sleeper();
	cleanup_text_vector char **command = foreign_command(pid);
	assert_non_null(command);
	assert_string_equal(command[0], "sleep");
	assert_string_equal(command[1], "600");
	assert_null(command[2]);
	end_sleeper(pid);
	assert_null(foreign_command(pid));
}

static void port_is_its_own_only_while_it_listens_there_itself(void **state)
{
	(void) state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	pid_t other = start_sleeper();
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
	uint16_t port = ntohs(address.sin_port);
	assert_false(foreign_listens(getpid(), port));
	assert_int_equal(listen(fd, 1), 0);
	assert_true(foreign_listens(getpid(), port));
	assert_false(foreign_listens(other, port));
	end_sleeper(other);
}

static void pty_is_its_own_only_where_it_has_the_master(void **state)
{
	(void) state;
	char name[64];
	int master, slave;
	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	pid_t other = start_sleeper(); /* with the slave */
	int number = atoi(strrchr(name, '/') + 1);
	assert_true(foreign_holds_pty(getpid(), number));
	assert_false(foreign_holds_pty(other, number));
	close(master);
	assert_false(foreign_holds_pty(getpid(), number));
	close(slave);
	end_sleeper(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(process_that_is_what_is_said_is_held),
	    process_test(process_that_has_ended_is_refused),
	    process_test(another_program_is_refused),
	    process_test(process_started_after_it_was_named_is_refused),
	    process_test(process_of_another_user_is_refused),
	    process_test(we_ourselves_are_refused),
	    process_test(its_end_is_told_once_and_its_status_left_to_its_parent),
	    process_test(it_runs_on_when_it_is_let_go),
	    process_test(command_line_is_told),
	    process_test(port_is_its_own_only_while_it_listens_there_itself),
	    process_test(pty_is_its_own_only_where_it_has_the_master),
	};
	return cmocka_run_group_tests(tests, settle, NULL);
}
