#include "support.h"

#include "core/base/clock.h"
#include "core/shim/crew.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct crew_fixture {
	struct fixture *fixture;
	struct handles *handles;
	struct crew *crew;
	char ends[256]; /* "name:code" or "name:SIGNAL" of each, in their order */
	int wanted;     /* how many */
};

static void on_exit_told(const char *name, const struct process_end *end, void *data)
{
	struct crew_fixture *crew = data;
	size_t length = strlen(crew->ends);
	char file[64];
	/* What is told has gone already. */
	snprintf(file, sizeof(file), "%s.pid", name);
	assert_false(scratch_has(&crew->fixture->scratch, file));
	assert_null(json_object_get(handles_processes(crew->handles), name));
	snprintf(crew->ends + length, sizeof(crew->ends) - length, "%s%s:%d", length ? " " : "", name,
		 end->signal ? -end->signal : end->code);
	crew->wanted--;
}

static int make_crew(void **state)
{
	struct crew_fixture *crew = *state = calloc(1, sizeof(*crew));
	struct fixture *fixture = NULL;
	if (fixture_open((void **) &fixture) < 0)
		return -1;
	static const char *const environment[] = {"EMUD_COOKIE=biscuit", "COLOUR=red", NULL};
	static const char *const no_gdb[] = {NULL};
	crew->fixture = fixture;
	crew->handles = handles_create("fake", "toy", "/config.json", no_gdb);
	const struct crew_options options = {
	    .loop = fixture->loop,
	    .dirfd = fixture->scratch.dirfd,
	    .directory = fixture->scratch.path,
	    .environment = environment,
	    .handles = crew->handles,
	    .on_exit = on_exit_told,
	    .data = crew,
	};
	crew->crew = crew_create(&options, NULL);
	return crew->crew ? 0 : -1;
}

static int end_crew(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	crew_destroy(crew->crew);
	handles_destroy(crew->handles);
	free(crew);
	return fixture_close((void **) &fixture);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_crew, end_crew)

static pid_t start(struct crew_fixture *crew, const char *name, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct launch_command command = {.argv = (char *const *) argv, .stdin_fd = -1, .stdout_fd = -1};
	struct error error;
	pid_t pid = 0;
	if (crew_start(crew->crew, name, &command, NULL, &pid, &error) < 0)
		fail_msg("%s", error.message);
	return pid;
}

static bool all_have_ended(void *data)
{
	return ((struct crew_fixture *) data)->wanted <= 0;
}

static void wait_for_ends(struct crew_fixture *crew, int count)
{
	crew->wanted += count;
	wait_until(crew->fixture, all_have_ended, crew);
}

static void a_member_has_a_pid_file_a_log_and_a_handle(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	pid_t pid = start(crew, "one", "echo out; echo err >&2; exec sleep 1000");
	assert_int_equal(crew_count(crew->crew), 1);
	cleanup_free char *text = read_text(fixture, "one.pid");
	assert_int_equal(atoi(text), pid);
	const json_t *handle = json_object_get(handles_processes(crew->handles), "one");
	assert_int_equal(json_member_integer(handle, "pid", 0), pid);
	wait_for_file(fixture, "one.log", "out\nerr\n");
	struct stat status;
	assert_int_equal(fstatat(fixture->scratch.dirfd, "one.log", &status, 0), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void each_end_is_told_once_with_its_name(void **state)
{
	struct crew_fixture *crew = *state;
	start(crew, "first", "exit 5");
	wait_for_ends(crew, 1);
	start(crew, "second", "kill -9 $$");
	wait_for_ends(crew, 1);
	assert_string_equal(crew->ends, "first:5 second:-9");
	assert_int_equal(crew_count(crew->crew), 0);
}

static void a_signal_reaches_every_member(void **state)
{
	struct crew_fixture *crew = *state;
	start(crew, "first", "exec sleep 1000");
	start(crew, "second", "exec sleep 1000");
	start(crew, "third", "exec sleep 1000");
	crew_signal(crew->crew, SIGTERM);
	wait_for_ends(crew, 3);
	assert_int_equal(crew_count(crew->crew), 0);
}

static void a_crew_that_goes_takes_its_members_along_untold(void **state)
{
	struct crew_fixture *crew = *state;
	pid_t pid = start(crew, "one", "exec sleep 1000");
	crew_destroy(TAKE(crew->crew));
	assert_int_equal(kill(pid, 0), -1);
	assert_false(scratch_has(&crew->fixture->scratch, "one.pid"));
	assert_int_equal(json_object_size(handles_processes(crew->handles)), 0);
	assert_string_equal(crew->ends, "");
	assert_int_equal(crew_count(NULL), 0);
}

static void a_log_begins_anew_and_is_never_written_through_a_link(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	scratch_write(&fixture->scratch, "victim", "untouched");
	assert_int_equal(symlinkat("victim", fixture->scratch.dirfd, "one.log"), 0);
	start(crew, "one", "echo new");
	wait_for_ends(crew, 1);
	cleanup_free char *log = read_text(fixture, "one.log");
	cleanup_free char *victim = read_text(fixture, "victim");
	assert_string_equal(log, "new\n");
	assert_string_equal(victim, "untouched");
}

static void the_commands_environment_adds_to_the_instances(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	static const char *const environment[] = {"SHAPE=round", "COLOUR=blue", NULL};
	static const char *const argv[] = {"sh", "-c", "echo $EMUD_COOKIE $SHAPE $COLOUR", NULL};
	const struct launch_command command = {
	    .argv = (char *const *) argv, .environment = environment, .stdin_fd = -1, .stdout_fd = -1};
	pid_t pid;
	assert_int_equal(crew_start(crew->crew, "one", &command, NULL, &pid, NULL), 0);
	wait_for_ends(crew, 1);
	start(crew, "two", "echo $SHAPE $COLOUR");
	wait_for_ends(crew, 1);
	cleanup_free char *one = read_text(fixture, "one.log");
	cleanup_free char *two = read_text(fixture, "two.log");
	assert_string_equal(one, "biscuit round blue\n");
	assert_string_equal(two, "red\n");
}

static void a_command_brings_its_own_input_and_output(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	int input[2], output[2];
	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	static const char *const argv[] = {"sh", "-c", "cat; echo loud >&2", NULL};
	const struct launch_command command = {
	    .argv = (char *const *) argv, .stdin_fd = input[0], .stdout_fd = output[1]};
	pid_t pid;
	assert_int_equal(crew_start(crew->crew, "one", &command, NULL, &pid, NULL), 0);
	close(input[0]);
	close(output[1]);
	assert_int_equal(write(input[1], "words", 5), 5);
	close(input[1]);
	wait_for_ends(crew, 1);
	char answer[16] = "";
	assert_int_equal(read(output[0], answer, sizeof(answer)), 5);
	assert_string_equal(answer, "words");
	close(output[0]);
	cleanup_free char *log = read_text(fixture, "one.log");
	assert_string_equal(log, "loud\n");
}

static void who_cannot_be_executed_is_no_member(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	static const char *const argv[] = {"/nowhere", NULL};
	const struct launch_command command = {.argv = (char *const *) argv, .stdin_fd = -1, .stdout_fd = -1};
	struct error error;
	pid_t pid = 77;
	assert_int_equal(crew_start(crew->crew, "one", &command, NULL, &pid, &error), -ENOENT);
	assert_string_equal(error.code, "emulator_unavailable");
	assert_true(text_starts_with(error.message, "one: "));
	assert_int_equal(pid, 77);
	assert_int_equal(crew_count(crew->crew), 0);
	assert_false(scratch_has(&fixture->scratch, "one.pid"));
}

static void who_can_have_no_pid_file_or_log_does_not_run(void **state)
{
	struct crew_fixture *crew = *state;
	struct fixture *fixture = crew->fixture;
	static const char *const argv[] = {"sleep", "1000", NULL};
	const struct launch_command command = {.argv = (char *const *) argv, .stdin_fd = -1, .stdout_fd = -1};
	struct error error;
	pid_t pid;
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "one.log", 0700), 0);
	assert_true(crew_start(crew->crew, "one", &command, NULL, &pid, &error) < 0);
	assert_non_null(strstr(error.message, "one.log"));
	assert_int_equal(mkdirat(fixture->scratch.dirfd, "two.pid", 0700), 0);
	assert_true(crew_start(crew->crew, "two", &command, NULL, &pid, &error) < 0);
	assert_true(text_starts_with(error.message, "two: "));
	assert_int_equal(crew_count(crew->crew), 0);
	assert_int_equal(json_object_size(handles_processes(crew->handles)), 0);
}

/* ---- those that run already ---- */

/* A child of the test's, not of the crew's; back once it runs its own program. */
static pid_t start_stranger(void)
{
	int ready[2];
	char nothing;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &nothing, 1), 0);
	close(ready[0]);
	return pid;
}

static void adopt(struct crew_fixture *crew, pid_t pid)
{
	const struct foreign_claim claim = {
	    .name = "stranger", .pid = pid, .program = "sleep", .not_after_wall_ms = clock_wall_ms()};
	struct error error;
	if (crew_adopt(crew->crew, &claim, &error) < 0)
		fail_msg("%s", error.message);
}

static void an_adopted_one_is_signalled_and_its_end_told_without_its_status(void **state)
{
	struct crew_fixture *crew = *state;
	pid_t pid = start_stranger();
	int status;
	adopt(crew, pid);
	assert_int_equal(crew_count(crew->crew), 1);
	const json_t *handle = json_object_get(handles_processes(crew->handles), "stranger");
	assert_int_equal(json_member_integer(handle, "pid", 0), pid);
	assert_false(scratch_has(&crew->fixture->scratch, "stranger.pid"));
	crew_signal(crew->crew, SIGTERM);
	wait_for_ends(crew, 1);
	assert_string_equal(crew->ends, "stranger:-1");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void an_adopted_one_that_is_let_go_runs_on_beside_none_of_ours(void **state)
{
	struct crew_fixture *crew = *state;
	pid_t pid = start_stranger();
	adopt(crew, pid);
	start(crew, "ours", "exec sleep 1000");
	crew_let_go(crew->crew);
	assert_int_equal(crew_count(crew->crew), 1);
	assert_null(json_object_get(handles_processes(crew->handles), "stranger"));
	crew_signal(crew->crew, SIGKILL);
	wait_for_ends(crew, 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	adopt(crew, pid);
	crew_destroy(TAKE(crew->crew));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_that_is_not_what_is_said_is_not_adopted(void **state)
{
	struct crew_fixture *crew = *state;
	const struct foreign_claim claim = {
	    .name = "stranger", .pid = getpid(), .program = "sleep", .not_after_wall_ms = clock_wall_ms()};
	struct error error;
	assert_true(crew_adopt(crew->crew, &claim, &error) < 0);
	assert_string_equal(error.code, "not_adoptable");
	assert_int_equal(crew_count(crew->crew), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_adopted_one_is_signalled_and_its_end_told_without_its_status),
	    TEST(an_adopted_one_that_is_let_go_runs_on_beside_none_of_ours),
	    TEST(one_that_is_not_what_is_said_is_not_adopted),
	    TEST(a_member_has_a_pid_file_a_log_and_a_handle),
	    TEST(each_end_is_told_once_with_its_name),
	    TEST(a_signal_reaches_every_member),
	    TEST(a_crew_that_goes_takes_its_members_along_untold),
	    TEST(a_log_begins_anew_and_is_never_written_through_a_link),
	    TEST(the_commands_environment_adds_to_the_instances),
	    TEST(a_command_brings_its_own_input_and_output),
	    TEST(who_cannot_be_executed_is_no_member),
	    TEST(who_can_have_no_pid_file_or_log_does_not_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
