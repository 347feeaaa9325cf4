#include "gdb_double.h"

#include "core/channels/tunnel.h"
#include "core/process/confine.h"
#include "core/shim/channels.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ECHO "for word; do echo \"$word\"; done\n"
#define OPTIONS "-nx\n-batch\n-iex\nset debuginfod enabled off\n-iex\nset auto-load off\n"

static void run_gdb(struct outcome *outcome, const char *arguments, uint64_t timeout_ms)
{
	cleanup_json json_t *json = quoted(arguments);
	debug_run(outcome->fixture->instance, json, timeout_ms, outcome_note, outcome);
	assert_int_equal(outcome->told, 0);
}

static void expect_result(struct outcome *outcome, int code, const char *output, const char *errors)
{
	outcome_wait(outcome);
	assert_string_equal(outcome->message, "");
	assert_int_equal(json_member_integer(outcome->result, "exit_code", -1), code);
	assert_string_equal(json_member_string(outcome->result, "stdout", ""), output);
	assert_string_equal(json_member_string(outcome->result, "stderr", ""), errors);
	outcome_finish(outcome);
}

/* The place in the channel is nobody's again. */
static void expect_free_channel(const struct fixture *fixture)
{
	struct tunnel *tunnel = channels_tunnel(instance_channels(fixture->instance), "gdb");
	assert_int_equal(tunnel_claim(tunnel, NULL), 0);
	tunnel_release(tunnel);
}

/* ---- what gdb is told, and what it says ---- */

static void gdb_connects_first_and_then_does_what_is_asked(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, ECHO);
	run_gdb(&outcome, "{'commands':['info registers','x/4x 0']}", 10000);
	expect_result(&outcome, 0, OPTIONS "-ex\ntarget remote gdb.sock\n-ex\ninfo registers\n-ex\nx/4x 0\n",
		      "");
	expect_free_channel(outcome.fixture);
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 0, OPTIONS "-ex\ntarget remote gdb.sock\n", "");
}

static void a_board_that_is_to_stay_paused_is_left_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "for word; do :; done; echo \"$word\"\n");
	run_gdb(&outcome, "{'paused':true}", 10000);
	expect_result(&outcome, 0, "disconnect\n", "");
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 0, "target remote gdb.sock\n", "");
	fake_paused();
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 0, "disconnect\n", "");
	run_gdb(&outcome, "{'paused':false}", 10000);
	expect_result(&outcome, 0, "target remote gdb.sock\n", "");
}

static void gdbs_words_and_exit_code_are_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo out; echo err >&2; exit 3\n");
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 3, "out\n", "err\n");
}

static void a_gdb_that_dies_by_a_signal_is_told_as_a_shell_would(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "kill -SEGV $$\n");
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 128 + SIGSEGV, "", "");
}

static void what_is_no_text_is_told_as_bytes_too(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "printf 'a\\377'; printf fine >&2\n");
	run_gdb(&outcome, "{}", 10000);
	outcome_wait(&outcome);
	assert_string_equal(json_member_string(outcome.result, "stdout", ""), "a\xef\xbf\xbd");
	assert_string_equal(json_member_string(outcome.result, "stdout_base64", ""), "Yf8=");
	assert_null(json_object_get(outcome.result, "stderr_base64"));
	outcome_finish(&outcome);
}

static void more_than_enough_output_is_cut(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "head -c 3000000 /dev/zero | tr '\\0' x\n");
	run_gdb(&outcome, "{}", 20000);
	outcome_wait(&outcome);
	assert_int_equal(strlen(json_member_string(outcome.result, "stdout", "")), 1024 * 1024);
	outcome_finish(&outcome);
}

static void gdb_runs_in_the_state_directory_with_the_instances_cookie(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "pwd; echo $EMUD_COOKIE\n");
	cleanup_free char *wanted = text_format("%s\nbiscuit\n", outcome.fixture->scratch.path);
	run_gdb(&outcome, "{}", 10000);
	expect_result(&outcome, 0, wanted, "");
}

static void gdb_reaches_no_more_than_the_emulator_does(void **state)
{
	struct outcome outcome = {.fixture = *state};
	struct confine_support support;
	confine_probe(&support);
	if (!support.landlock_abi)
		skip();
	struct scratch beside;
	scratch_make(&beside);
	scratch_write(&beside, "secret", "secret");
	cleanup_free char *script = text_format("echo mine >mine; cat mine; cat %s/secret; echo x >%s/new\n",
						beside.path, beside.path);
	run_with_gdb(outcome.fixture, script);
	run_gdb(&outcome, "{}", 10000);
	outcome_wait(&outcome);
	assert_string_equal(json_member_string(outcome.result, "stdout", ""), "mine\n");
	outcome_finish(&outcome);
	assert_false(scratch_has(&beside, "new"));
	scratch_remove(&beside);
}

struct answering_machine {
	int fd;
	bool heard;
};

/* The emulator, which answers gdb. */
static bool has_answered(void *data)
{
	struct answering_machine *machine = data;
	char bytes[5];
	if (recv(machine->fd, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes))
		machine->heard = memcmp(bytes, "hello", 5) == 0 && send(machine->fd, "world", 5, 0) == 5;
	return machine->heard;
}

static void gdb_reaches_an_emulator_without_a_socket_through_one_of_ours(void **state)
{
	struct outcome outcome = {.fixture = *state};
	static const struct channel_plan plan[] = {{.name = (char *) "gdb", .kind = CHANNEL_GDB}};
	static const char script[] =
	    "perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[-1] =~ "
	    "s/target remote //r)) or die $!; syswrite S, \"hello\"; sysread S, $b, 5; print $b' -- \"$@\"\n";
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	struct answering_machine machine = {.fd = pair[1]};
	fake.channels = plan;
	fake.channel_count = 1;
	fake.connection = pair[0];
	run_with_gdb(outcome.fixture, script);
	run_gdb(&outcome, "{}", 10000);
	wait_until(outcome.fixture, has_answered, &machine);
	expect_result(&outcome, 0, "world", "");
	expect_calls("connect:gdb");
	assert_false(scratch_has(&outcome.fixture->scratch, "gdb-client.sock"));
	expect_free_channel(outcome.fixture);
	close(pair[1]);
}

/* ---- files ---- */

static char *file_arguments(const struct fixture *fixture, const char *name, int device_off_by,
			    int inode_off_by)
{
	struct stat status;
	assert_int_equal(fstatat(fixture->scratch.dirfd, name, &status, 0), 0);
	return text_format("{'file':{'path':'%s/%s','device':%lld,'inode':%lld}}", fixture->scratch.path,
			   name, (long long) status.st_dev + device_off_by,
			   (long long) status.st_ino + inode_off_by);
}

static void gdb_is_given_the_very_file(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "cat $7\n");
	scratch_write(&outcome.fixture->scratch, "fw.elf", "firmware");
	cleanup_free char *arguments = file_arguments(outcome.fixture, "fw.elf", 0, 0);
	run_gdb(&outcome, arguments, 10000);
	expect_result(&outcome, 0, "firmware", "");
}

static void a_file_that_was_replaced_is_refused(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, ECHO);
	scratch_write(&outcome.fixture->scratch, "fw.elf", "firmware");
	cleanup_free char *another = file_arguments(outcome.fixture, "fw.elf", 0, 1);
	cleanup_free char *elsewhere = file_arguments(outcome.fixture, "fw.elf", 1, 0);
	cleanup_free char *message =
	    text_format("%s/fw.elf was replaced meanwhile: try again", outcome.fixture->scratch.path);
	run_gdb(&outcome, another, 10000);
	expect_error(&outcome, "file_not_found", message);
	run_gdb(&outcome, elsewhere, 10000);
	expect_error(&outcome, "file_not_found", message);
	expect_free_channel(outcome.fixture);
}

static void a_file_that_is_not_there_or_a_link_is_refused(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, ECHO);
	run_gdb(&outcome, "{'file':{'path':'/nowhere/fw.elf'}}", 10000);
	expect_error(&outcome, "file_not_found", "cannot open /nowhere/fw.elf: No such file or directory");
	run_gdb(&outcome, "{'file':'/nowhere'}", 10000);
	expect_error(&outcome, "file_not_found", "cannot open : No such file or directory");
	scratch_write(&outcome.fixture->scratch, "fw.elf", "firmware");
	assert_int_equal(symlinkat("fw.elf", outcome.fixture->scratch.dirfd, "link.elf"), 0);
	cleanup_free char *arguments = file_arguments(outcome.fixture, "link.elf", 0, 0);
	cleanup_free char *message = text_format("cannot open %s/link.elf: Too many levels of symbolic links",
						 outcome.fixture->scratch.path);
	run_gdb(&outcome, arguments, 10000);
	expect_error(&outcome, "file_not_found", message);
}

/* ---- refusals ---- */

static void commands_that_leave_gdb_are_refused_and_nothing_is_run(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo ran >ran\n");
	run_gdb(&outcome, "{'commands':['info registers','shell ls']}", 10000);
	outcome_wait(&outcome);
	assert_string_equal(outcome.code, "command_refused");
	const json_t *fault = json_array_get(json_object_get(outcome.result, "errors"), 0);
	assert_string_equal(json_member_string(fault, "pointer", ""), "/commands/1");
	assert_string_equal(json_member_string(fault, "detail", ""), outcome.message);
	outcome_finish(&outcome);
	run_gdb(&outcome, "{'commands':['info registers',5]}", 10000);
	expect_error(&outcome, "bad_request", "commands must be strings");
	assert_false(scratch_has(&outcome.fixture->scratch, "ran"));
	expect_free_channel(outcome.fixture);
}

static void a_target_without_a_gdb_channel_has_none(void **state)
{
	struct outcome outcome = {.fixture = *state};
	static const struct channel_plan plan[] = {{.name = (char *) "serial0", .kind = CHANNEL_CONSOLE}};
	fake.channels = plan;
	fake.channel_count = 1;
	run_with_gdb(outcome.fixture, ECHO);
	run_gdb(&outcome, "{}", 10000);
	expect_error(&outcome, "channel_not_found", "this target has no gdb channel");
}

static void a_gdb_that_is_not_there_is_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_instance(outcome.fixture, NULL);
	run_gdb(&outcome, "{}", 10000);
	expect_error(&outcome, "emulator_unavailable", "the configuration names no gdb for this target");
	end_instance(outcome.fixture);
	run_gdb(&outcome, "{}", 10000);
	expect_error(&outcome, "not_running", "board is exited, not running");
}

static void a_gdb_that_cannot_be_executed_is_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_instance(outcome.fixture, "{'gdb':['/nowhere/gdb']}");
	run_gdb(&outcome, "{}", 10000);
	expect_error(&outcome, "emulator_unavailable",
		     "cannot execute \"/nowhere/gdb\": No such file or directory");
	expect_free_channel(outcome.fixture);
}

static void two_at_once_are_one_too_many(void **state)
{
	struct outcome outcome = {.fixture = *state}, second = {.fixture = *state};
	run_with_gdb(outcome.fixture, "until test -e go; do sleep 0.01; done\n");
	run_gdb(&outcome, "{}", 10000);
	run_gdb(&second, "{}", 10000);
	expect_error(&second, "channel_busy", "another client has the channel gdb");
	scratch_write(&outcome.fixture->scratch, "go", "");
	expect_result(&outcome, 0, "", "");
	run_gdb(&second, "{}", 10000);
	expect_result(&second, 0, "", "");
}

/* ---- ends ---- */

static void a_gdb_that_hangs_is_killed(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture,
		     "test -e pid && exit; echo '$1 = 42'; echo connecting >&2; echo $$ >pid; trap '' TERM; "
		     "exec sleep 1000\n");
	run_gdb(&outcome, "{}", 1000);
	outcome_wait(&outcome);
	assert_string_equal(json_member_string(outcome.result, "stdout", ""), "$1 = 42\n");
	assert_string_equal(json_member_string(outcome.result, "stderr", ""), "connecting\n");
	assert_null(json_object_get(outcome.result, "exit_code"));
	json_decref(TAKE(outcome.result));
	expect_error(&outcome, "timeout", "gdb did not end in time; it said: connecting\n");
	cleanup_free char *pid = read_text(outcome.fixture, "pid");
	assert_int_equal(kill(atoi(pid), 0), -1);
	expect_free_channel(outcome.fixture);
}

#define HANGS_AT_WORK "case \"$*\" in *work*) exec sleep 1000;; esac; "

static void the_board_is_freed_of_a_gdb_that_is_killed(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, HANGS_AT_WORK ECHO "for word; do echo \"$word\"; done >freed\n");
	run_gdb(&outcome, "{'commands':['work']}", 100);
	fake_paused();
	outcome_wait(&outcome);
	assert_string_equal(outcome.code, "timeout");
	assert_string_equal(outcome.message, "gdb did not end in time; it said: nothing");
	assert_string_equal(json_member_string(outcome.result, "stdout", ""), "");
	outcome_finish(&outcome);
	cleanup_free char *words = read_text(outcome.fixture, "freed");
	assert_string_equal(words, OPTIONS "-ex\ntarget remote gdb.sock\n");
	expect_calls("resume:1000");
	assert_false(instance_is_paused(outcome.fixture->instance));
	expect_free_channel(outcome.fixture);
}

static void a_board_that_is_to_stay_paused_is_freed_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, HANGS_AT_WORK "for word; do :; done; echo \"$word\" >freed\n");
	run_gdb(&outcome, "{'commands':['work'],'paused':true}", 100);
	outcome_wait(&outcome);
	assert_string_equal(outcome.message, "gdb did not end in time; it said: nothing");
	outcome_finish(&outcome);
	cleanup_free char *word = read_text(outcome.fixture, "freed");
	assert_string_equal(word, "disconnect\n");
	expect_calls("");
}

static void the_board_is_freed_without_a_file_that_may_be_slow_to_read(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "case \"$*\" in */proc/self/fd/*) exec sleep 1000;; esac\n");
	scratch_write(&outcome.fixture->scratch, "fw.elf", "firmware");
	cleanup_free char *arguments = file_arguments(outcome.fixture, "fw.elf", 0, 0);
	run_gdb(&outcome, arguments, 100);
	outcome_wait(&outcome);
	assert_string_equal(outcome.message, "gdb did not end in time; it said: nothing");
	outcome_finish(&outcome);
}

static void a_board_that_cannot_be_freed_is_left_as_it_was_or_is_to_be_and_this_is_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, HANGS_AT_WORK "exit 1\n");
	run_gdb(&outcome, "{'commands':['work']}", 100);
	fake_paused();
	outcome_wait(&outcome);
	assert_string_equal(outcome.code, "timeout");
	assert_string_equal(
	    outcome.message,
	    "its breakpoints may be left in the board (restart the instance): gdb did not end "
	    "in time; it said: nothing");
	outcome_finish(&outcome);
	expect_calls("pause:500 resume:1000");
	assert_false(instance_is_paused(outcome.fixture->instance));
	run_gdb(&outcome, "{'commands':['work'],'paused':true}", 100);
	outcome_wait(&outcome);
	outcome_finish(&outcome);
	expect_calls("pause:500");
	assert_true(instance_is_paused(outcome.fixture->instance));
	expect_free_channel(outcome.fixture);
}

static void a_gdb_that_hangs_as_it_frees_the_board_is_killed_too(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo $$ >pid; exec sleep 1000\n");
	run_gdb(&outcome, "{}", 100);
	outcome_wait(&outcome);
	assert_non_null(strstr(outcome.message, "its breakpoints may be left in the board"));
	outcome_finish(&outcome);
	cleanup_free char *pid = read_text(outcome.fixture, "pid");
	assert_int_equal(kill(atoi(pid), 0), -1);
	expect_calls("pause:500 resume:1000");
}

static void a_gdb_whose_children_hold_its_output_is_not_waited_for_beyond_the_deadline(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo done; sleep 1000 & exit 2\n");
	run_gdb(&outcome, "{}", 1000);
	expect_result(&outcome, 2, "done\n", "");
	end_instance(outcome.fixture);
}

static void an_end_of_the_board_ends_gdb(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo $$ >pid; exec sleep 1000\n");
	run_gdb(&outcome, "{}", 10000);
	wait_for_file(outcome.fixture, "pid", "\n");
	instance_stop(outcome.fixture->instance);
	expect_error(&outcome, "not_running", "the instance ended while gdb was at work");
	wait_for_end(outcome.fixture);
	cleanup_free char *pid = read_text(outcome.fixture, "pid");
	assert_int_equal(kill(atoi(pid), 0), -1);
}

static void an_end_of_the_board_ends_the_gdb_that_frees_it(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, HANGS_AT_WORK "echo $$ >pid; exec sleep 1000\n");
	run_gdb(&outcome, "{'commands':['work']}", 100);
	wait_for_file(outcome.fixture, "pid", "\n");
	instance_stop(outcome.fixture->instance);
	expect_error(&outcome, "not_running", "the instance ended while gdb was at work");
	wait_for_end(outcome.fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(gdb_connects_first_and_then_does_what_is_asked),
	    TEST(a_board_that_is_to_stay_paused_is_left_so),
	    TEST(gdbs_words_and_exit_code_are_told),
	    TEST(a_gdb_that_dies_by_a_signal_is_told_as_a_shell_would),
	    TEST(what_is_no_text_is_told_as_bytes_too),
	    TEST(more_than_enough_output_is_cut),
	    TEST(gdb_runs_in_the_state_directory_with_the_instances_cookie),
	    TEST(gdb_reaches_no_more_than_the_emulator_does),
	    TEST(gdb_reaches_an_emulator_without_a_socket_through_one_of_ours),
	    TEST(gdb_is_given_the_very_file),
	    TEST(a_file_that_was_replaced_is_refused),
	    TEST(a_file_that_is_not_there_or_a_link_is_refused),
	    TEST(commands_that_leave_gdb_are_refused_and_nothing_is_run),
	    TEST(a_target_without_a_gdb_channel_has_none),
	    TEST(a_gdb_that_is_not_there_is_told),
	    TEST(a_gdb_that_cannot_be_executed_is_told),
	    TEST(two_at_once_are_one_too_many),
	    TEST(a_gdb_that_hangs_is_killed),
	    TEST(the_board_is_freed_of_a_gdb_that_is_killed),
	    TEST(a_board_that_is_to_stay_paused_is_freed_so),
	    TEST(the_board_is_freed_without_a_file_that_may_be_slow_to_read),
	    TEST(a_board_that_cannot_be_freed_is_left_as_it_was_or_is_to_be_and_this_is_told),
	    TEST(a_gdb_that_hangs_as_it_frees_the_board_is_killed_too),
	    TEST(an_end_of_the_board_ends_the_gdb_that_frees_it),
	    TEST(a_gdb_whose_children_hold_its_output_is_not_waited_for_beyond_the_deadline),
	    TEST(an_end_of_the_board_ends_gdb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
