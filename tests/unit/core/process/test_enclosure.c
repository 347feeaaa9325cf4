#include "run.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/process/enclosure.h"

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* A shell in an enclosure. Its script says when it is up, and waits; then it runs what it has built in. */
#define UP "echo up; read line; "

struct inmate {
	struct run run;
	char top[64];               /* a scratch directory */
	char working[80], kept[80]; /* below it */
	int kept_fd;
	int to_shell, from_shell; /* ends of pipes */
	struct enclosure *enclosure;
	struct process *process;
};

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct inmate make_places(void)
{
	struct inmate inmate = {.run = run_begin()};
	strcpy(inmate.top, "/tmp/emud-enclosure-XXXXXX");
	assert_non_null(mkdtemp(inmate.top));
	snprintf(inmate.working, sizeof(inmate.working), "%s/working", inmate.top);
	snprintf(inmate.kept, sizeof(inmate.kept), "%s/kept", inmate.top);
	assert_int_equal(mkdir(inmate.working, 0700) + mkdir(inmate.kept, 0700), 0);
	write_text(inmate.top, "above", "above\n");
	write_text(inmate.working, "beside", "beside\n");
	inmate.kept_fd = open(inmate.kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return inmate;
}

static void start_shell(struct inmate *inmate, const char *script, const struct confinement *confinement)
{
	int in[2], out[2];
	char text[64];
	assert_int_equal(pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC), 0);
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct error error = {0};
	const struct process_spec spec = {.argv = argv,
					  .directory = inmate->working,
					  .stdin_fd = in[0],
					  .stdout_fd = out[1],
					  .stderr_fd = out[1],
					  .confinement = confinement,
					  .enclosure = inmate->enclosure};
	inmate->process = process_start(inmate->run.loop, &spec, run_on_exit, &inmate->run, &error);
	if (!inmate->process)
		fail_msg("%s", error.message);
	close(in[0]);
	close(out[1]);
	inmate->to_shell = in[1];
	inmate->from_shell = out[0];
	assert_int_equal(read(out[0], text, sizeof(text)), 3);
}

static void finish(struct inmate *inmate)
{
	enclosure_destroy(inmate->enclosure);
	process_destroy(inmate->process);
	close(inmate->kept_fd);
	assert_int_equal(file_remove_tree(AT_FDCWD, inmate->top, NULL), 0);
	run_finish(&inmate->run);
}

/* What the script says once all else is taken away. */
static const char *say_enclosed(struct inmate *inmate, const char *script,
				const struct confinement *confinement)
{
	struct error error = {0};
	start_shell(inmate, script, confinement);
	if (enclosure_close(inmate->enclosure, process_pid(inmate->process), inmate->kept, inmate->kept_fd,
			    &error) < 0)
		fail_msg("%s", error.message);
	assert_int_equal(write(inmate->to_shell, "\n", 1), 1);
	close(inmate->to_shell);
	inmate->run.output = read_all(inmate->from_shell);
	close(inmate->from_shell);
	run_until_exit(&inmate->run);
	return inmate->run.output;
}

static void enclose(struct inmate *inmate)
{
	struct error error = {0};
	inmate->enclosure = enclosure_create(inmate->working, &error);
	if (inmate->enclosure)
		return;
	print_message("no enclosures here: %s\n", error.message);
	finish(inmate);
	skip();
}

static void assert_kept(const struct inmate *inmate, const char *name, const char *text)
{
	cleanup_free char *found = NULL;
	size_t length;
	assert_int_equal(file_read(inmate->kept_fd, name, 1000, &found, &length, NULL), 0);
	assert_string_equal(found, text);
}

#define LOOK(path) "[ -e " path " ] && echo seen " path "; "

static void one_directory_is_all_there_is(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	enclose(&inmate);
	assert_string_equal(
	    say_enclosed(
		&inmate,
		UP LOOK("/etc/passwd") LOOK("/proc/self") LOOK("beside") LOOK("../above")
		    LOOK("../../../../../../../../etc/passwd") LOOK("/tmp") LOOK(
			"/dev/null") "echo mine > relative; echo mine > /absolute; echo mine > ../../above; "
				     "cd /..; echo mine > further; for name in * .*; do echo $name; done",
		NULL),
	    "above\nabsolute\nfurther\nrelative\n.\n..\n");
	assert_kept(&inmate, "relative", "mine\n");
	assert_kept(&inmate, "absolute", "mine\n");
	assert_kept(&inmate, "above", "mine\n");
	finish(&inmate);
}

static void links_lead_nowhere(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	assert_int_equal(symlinkat("/", inmate.kept_fd, "root"), 0);
	assert_int_equal(symlinkat(inmate.top, inmate.kept_fd, "top"), 0);
	assert_int_equal(symlinkat("../..", inmate.kept_fd, "up"), 0);
	enclose(&inmate);
	assert_string_equal(say_enclosed(&inmate,
					 UP LOOK("root/etc") LOOK("top/above") LOOK("up/above")
					     LOOK("root/top") "echo done",
					 NULL),
			    "done\n");
	finish(&inmate);
}

/* Before it, all is as everybody sees it, where it runs too. */
static void the_rest_is_there_until_then(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	enclose(&inmate);
	start_shell(&inmate, UP LOOK("/etc/passwd") LOOK("beside") LOOK("../above") "true", NULL);
	assert_int_equal(write(inmate.to_shell, "\n", 1), 1);
	close(inmate.to_shell);
	inmate.run.output = read_all(inmate.from_shell);
	close(inmate.from_shell);
	assert_string_equal(inmate.run.output, "seen /etc/passwd\nseen beside\nseen ../above\n");
	run_until_exit(&inmate.run);
	finish(&inmate);
}

static void what_was_open_stays_open(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	enclose(&inmate);
	assert_string_equal(say_enclosed(&inmate, "exec 3< beside; " UP "read text <&3; echo $text", NULL),
			    "beside\n");
	finish(&inmate);
}

static void landlock_and_the_call_filter_hold_inside(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	const char *const paths[] = {inmate.top, NULL};
	const int fds[] = {inmate.kept_fd, -1};
	const struct confine_rules rules = {.read_paths = paths, .write_fds = fds};
	struct confinement *confinement = confinement_create(&rules, NULL);
	assert_non_null(confinement);
	enclose(&inmate);
	assert_string_equal(say_enclosed(&inmate, UP "echo mine > /absolute && echo wrote", confinement),
			    "wrote\n");
	assert_kept(&inmate, "absolute", "mine\n");
	confinement_destroy(confinement);
	finish(&inmate);
}

static void the_root_may_be_where_it_runs(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	strcpy(inmate.working, "/");
	enclose(&inmate);
	assert_string_equal(
	    say_enclosed(&inmate, UP LOOK("etc/passwd") LOOK("/etc") "echo mine > here", NULL), "");
	assert_kept(&inmate, "here", "mine\n");
	finish(&inmate);
}

static void another_directory_at_the_path_is_refused(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	struct error error = {0};
	char moved[100];
	enclose(&inmate);
	start_shell(&inmate, UP "true", NULL);
	snprintf(moved, sizeof(moved), "%s/moved", inmate.top);
	assert_int_equal(rename(inmate.kept, moved), 0);
	assert_int_equal(symlink("/etc", inmate.kept), 0);
	pid_t pid = process_pid(inmate.process);
	assert_true(enclosure_close(inmate.enclosure, pid, inmate.kept, inmate.kept_fd, &error) < 0);
	assert_int_equal(unlink(inmate.kept), 0);
	assert_int_equal(mkdir(inmate.kept, 0700), 0);
	assert_int_equal(enclosure_close(inmate.enclosure, pid, inmate.kept, inmate.kept_fd, &error),
			 -ESTALE);
	close(inmate.to_shell);
	close(inmate.from_shell);
	run_until_exit(&inmate.run);
	finish(&inmate);
}

/* Whoever stands elsewhere than he was made for is not let go on. */
static void one_that_is_elsewhere_is_told(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	struct error error = {0};
	enclose(&inmate);
	strcpy(inmate.working, "/usr");
	start_shell(&inmate, UP "true", NULL);
	assert_int_equal(enclosure_close(inmate.enclosure, process_pid(inmate.process), inmate.kept,
					 inmate.kept_fd, &error),
			 -EXDEV);
	close(inmate.to_shell);
	close(inmate.from_shell);
	run_until_exit(&inmate.run);
	finish(&inmate);
}

static void nothing_is_left_open_or_mounted(void **state)
{
	(void) state;
	int before = count_descriptors();
	cleanup_free char *mounts = NULL;
	cleanup_free char *mounts_after = NULL;
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, NULL, NULL), 0);
	one_directory_is_all_there_is(NULL);
	another_directory_at_the_path_is_refused(NULL);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts_after, NULL, NULL), 0);
	assert_string_equal(mounts_after, mounts);
}

/* The same as an ordinary user, where we are root. */
static void an_ordinary_user_can_do_it_too(void **state)
{
	(void) state;
	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		const struct CMUnitTest tests[] = {
		    process_test(one_directory_is_all_there_is),
		    process_test(landlock_and_the_call_filter_hold_inside),
		    process_test(the_root_may_be_where_it_runs),
		};
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(100);
		prctl(PR_SET_DUMPABLE, 1);
		/* Its own protocol is no part of ours. */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		_exit(cmocka_run_group_tests_name("as nobody", tests, NULL, NULL));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void the_environment_can_forbid_it(void **state)
{
	(void) state;
	struct error error = {0};
	setenv("EMUD_NO_NAMESPACES", "1", 1);
	assert_null(enclosure_create("/tmp", &error));
	unsetenv("EMUD_NO_NAMESPACES");
	assert_int_equal(error.number, -EPERM);
}

/* Who enters would find himself outside of it. */
static int try_in_chroot(const struct inmate *inmate)
{
	char proc[100];
	struct error error = {0};
	snprintf(proc, sizeof(proc), "%s/proc", inmate->top);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(inmate->top, inmate->top, NULL, MS_BIND, NULL) < 0 || mkdir(proc, 0700) < 0 ||
	    mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL) < 0 || chroot(inmate->top) < 0 ||
	    chdir("/") < 0)
		return 100;
	if (enclosure_create("/working", &error))
		return 1;
	return error.number == -EPERM ? 0 : 2;
}

static void there_is_none_in_a_chroot(void **state)
{
	(void) state;
	struct inmate inmate = make_places();
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_in_chroot(&inmate));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	finish(&inmate);
	if (WEXITSTATUS(status) == 100)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(one_directory_is_all_there_is),
	    process_test(links_lead_nowhere),
	    process_test(the_rest_is_there_until_then),
	    process_test(what_was_open_stays_open),
	    process_test(landlock_and_the_call_filter_hold_inside),
	    process_test(the_root_may_be_where_it_runs),
	    process_test(another_directory_at_the_path_is_refused),
	    process_test(one_that_is_elsewhere_is_told),
	    process_test(nothing_is_left_open_or_mounted),
	    process_test(an_ordinary_user_can_do_it_too),
	    process_test(the_environment_can_forbid_it),
	    process_test(there_is_none_in_a_chroot),
	};
	return cmocka_run_group_tests(tests, settle, NULL);
}
